import type { BookingBody } from '../../src/contracts/http/bookings.ts';
import type { ShowBody } from '../../src/contracts/http/catalogue.ts';
import { BOOKING_COMMANDS_MAX } from '../../src/domain/booking.ts';
import { money } from '../../src/domain/money.ts';
import { derivedId, fingerprintOf, newId } from '../../src/platform/ids.ts';
import {
  insertPaymentAttempts,
  markPaymentsSent,
  recordPayments,
  recordRefunds,
} from '../../src/read-model/payments.ts';
import { ledgerOf, netCaptured, openShow } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { useBankClock } from './bank-clock.ts';
import { type ApiClient, eventually, newGuest, newKey } from './http-client.ts';
import { deliverWebhook, nowSeconds, paymentSucceeded, type Sent } from './signed-webhook.ts';

const DEADLINE_SECONDS = 6;
const system = useTestSystem({
  apis: 1,
  settings: { HOLD_TTL_SECONDS: '25', PAYMENT_DEADLINE_SECONDS: String(DEADLINE_SECONDS) },
});
const bankClock = useBankClock(system);
const url = (): string => system.apiUrls[0]!;

async function heldBy(buyer: ApiClient, seats = ['A1']): Promise<BookingBody> {
  const show = await openShow(system);
  return buyer.held(show.id, seats);
}

async function newHold(): Promise<{ buyer: ApiClient; booking: BookingBody }> {
  const buyer = await newGuest(url());
  return { buyer, booking: await heldBy(buyer) };
}

const endsAs = (buyer: ApiClient, id: string, ...statuses: readonly string[]): Promise<BookingBody> =>
  eventually(
    () => buyer.booking(id),
    ({ status }) => statuses.includes(status),
  );

describe('a payment by token', () => {
  test('tok_ok confirms the booking at once, with its number; the money is there once', async () => {
    const { buyer, booking } = await newHold();
    const paid = await buyer.pay(booking.id, 'tok_ok');
    expect(paid.status).toBe(200);
    expect(paid.body).toMatchObject({ status: 'CONFIRMED', payment: { status: 'SUCCEEDED' }, expiresAt: null });
    expect(paid.body.bookingNumber).toMatch(/^BMS\d{8}\d{8,}$/);
    expect(await buyer.booking(booking.id)).toEqual(paid.body);
    expect(await netCaptured(system, booking.id)).toBe(25_000);
    const payment = await buyer.payment(booking.id);
    expect(payment).toMatchObject({ status: 'SUCCEEDED', provider: 'simulator', refunds: [] });
    expect(payment.attempts).toMatchObject([
      { status: 'SUCCEEDED', method: 'card', amount: { amount: 25_000, currency: 'INR' }, failureReason: null },
    ]);
  });

  test.each([['tok_declined'], ['tok_insufficient_funds']])(
    '%s is a 402, and another try may succeed',
    async (token) => {
      const { buyer, booking } = await newHold();
      const declined = await buyer.pay(booking.id, token);
      expect([declined.status, declined.body.code]).toEqual([402, 'PAYMENT_DECLINED']);
      expect(declined.body.reason).toEqual(expect.any(String));
      const after = await buyer.booking(booking.id);
      expect(after).toMatchObject({ status: 'HELD', expiresAt: booking.expiresAt, payment: { status: 'DECLINED' } });
      expect((await buyer.pay(booking.id, 'tok_ok')).status).toBe(200);
      const { attempts } = await buyer.payment(booking.id);
      expect(attempts.map(({ status }) => status)).toEqual(['DECLINED', 'SUCCEEDED']);
      expect(await netCaptured(system, booking.id)).toBe(25_000);
    },
  );

  test('tok_pending is a 202 with what to do next, and confirmed by the webhook', async () => {
    const { buyer, booking } = await newHold();
    await bankClock.whileStanding(async () => {
      const pending = await buyer.pay(booking.id, 'tok_pending');
      expect(pending.status).toBe(202);
      expect(pending.body).toMatchObject({ status: 'PAYMENT_PENDING', nextAction: { type: 'await' } });
      const location = pending.headers.get('location')!;
      expect(location).toBe(`/api/v1/bookings/${booking.id}/payment`);
      expect((await buyer.get(location.replace('/api/v1', ''))).status).toBe(200);

      const meanwhile = await buyer.pay(booking.id, 'tok_ok');
      expect([meanwhile.status, meanwhile.body.code, meanwhile.body.bookingStatus]).toEqual([
        409,
        'BOOKING_STATE',
        'PAYMENT_PENDING',
      ]);
      const released = await buyer.send('DELETE', `/bookings/${booking.id}`);
      expect([released.status, released.body.code]).toEqual([409, 'BOOKING_STATE']);
    });

    await endsAs(buyer, booking.id, 'CONFIRMED');
    expect(await netCaptured(system, booking.id)).toBe(25_000);
    const again = await buyer.pay(booking.id, 'tok_ok');
    expect([again.status, again.body.code, again.body.bookingStatus]).toEqual([409, 'BOOKING_STATE', 'CONFIRMED']);
  }, 20_000);

  test('tok_pending_fail ends as a hold again, which may be released', async () => {
    const { buyer, booking } = await newHold();
    await bankClock.whileStanding(async () => {
      expect((await buyer.pay(booking.id, 'tok_pending_fail')).status).toBe(202);
      expect((await buyer.send('DELETE', `/bookings/${booking.id}`)).status).toBe(409);
      expect(await system.workflows.release(booking.id)).toMatchObject({ ok: false, refusal: 'BOOKING_STATE' });
    });
    await endsAs(buyer, booking.id, 'HELD');
    expect(await netCaptured(system, booking.id)).toBe(0);
    const released = await buyer.send<BookingBody>('DELETE', `/bookings/${booking.id}`);
    expect([released.status, released.body.status]).toEqual([200, 'RELEASED']);
  }, 20_000);

  test('tok_pending_late: the booking expires, and is confirmed after all when the seats are still free', async () => {
    const { buyer, booking } = await newHold();
    await bankClock.whileStanding(async () => {
      expect((await buyer.pay(booking.id, 'tok_pending_late')).status).toBe(202);
      await endsAs(buyer, booking.id, 'EXPIRED');
      const tooLate = await buyer.pay(booking.id, 'tok_ok');
      expect([tooLate.status, tooLate.body.code]).toEqual([410, 'HOLD_EXPIRED']);
    });
    await endsAs(buyer, booking.id, 'CONFIRMED');
    expect(await netCaptured(system, booking.id)).toBe(25_000);
  }, 30_000);

  test('tok_pending_late: the money goes back when the seats have gone to somebody else', async () => {
    const { buyer, booking } = await newHold();
    await bankClock.whileStanding(async () => {
      expect((await buyer.pay(booking.id, 'tok_pending_late')).status).toBe(202);
      await endsAs(buyer, booking.id, 'EXPIRED');
      const other = await newGuest(url());
      const taken = await eventually(
        () => other.hold(booking.showId, ['A1']),
        ({ status }) => status === 201,
      );
      expect((await other.pay(taken.body.id, 'tok_ok')).status).toBe(200);
    });
    const refunded = await eventually(
      () => buyer.payment(booking.id),
      ({ refunds }) => refunds[0]?.status === 'SUCCEEDED',
    );
    expect(refunded.refunds).toMatchObject([{ amount: { amount: 25_000, currency: 'INR' } }]);
    expect(await netCaptured(system, booking.id)).toBe(0);
    const after = await buyer.booking(booking.id);
    expect(after).toMatchObject({ status: 'EXPIRED', refund: { status: 'SUCCEEDED' } });
  }, 30_000);

  test('tok_redirect sends the buyer to the provider, whose approval confirms', async () => {
    const { buyer, booking } = await newHold();
    const redirected = await buyer.pay(booking.id, 'tok_redirect');
    expect(redirected.status).toBe(202);
    const { nextAction } = redirected.body;
    if (nextAction.type !== 'redirect') throw new Error('no redirect');
    const page = await fetch(nextAction.url);
    expect(page.status).toBe(200);
    const action = /action="([^"]+)"/.exec(await page.text())?.[1];
    const approved = await fetch(new URL(action ?? '', nextAction.url), {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: 'decision=approve',
      redirect: 'manual',
    });
    expect(approved.status).toBeLessThan(400);
    await endsAs(buyer, booking.id, 'CONFIRMED');
  }, 20_000);

  test.each([['tok_slow'], ['tok_500_twice'], ['tok_timeout_charged']])(
    '%s is confirmed and charged once, at once or later',
    async (token) => {
      const { buyer, booking } = await newHold();
      const paid = await buyer.pay(booking.id, token);
      expect([200, 202]).toContain(paid.status);
      await endsAs(buyer, booking.id, 'CONFIRMED');
      expect(await netCaptured(system, booking.id)).toBe(25_000);
    },
    30_000,
  );

  test('tok_timeout_not_charged charges nothing', async () => {
    const { buyer, booking } = await newHold();
    const paid = await buyer.pay(booking.id, 'tok_timeout_not_charged');
    expect([402, 503, 202]).toContain(paid.status);
    await endsAs(buyer, booking.id, 'HELD', 'EXPIRED');
    expect(await netCaptured(system, booking.id)).toBe(0);
  }, 30_000);

  test('tok_down is a 503 and nothing is charged; the same key may try again', async () => {
    const { buyer, booking } = await newHold();
    const key = newKey();
    const down = await buyer.pay(booking.id, 'tok_down', key);
    expect([down.status, down.body.code]).toEqual([503, 'PAYMENT_UNAVAILABLE']);
    expect(down.headers.get('retry-after')).toMatch(/^\d+$/);
    expect((await buyer.booking(booking.id)).status).toBe('HELD');
    expect(await netCaptured(system, booking.id)).toBe(0);

    const again = await buyer.pay(booking.id, 'tok_down', key);
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([503, null]);
    const { attempts } = await buyer.payment(booking.id);
    expect(attempts.map(({ status }) => status)).toEqual(['FAILED', 'FAILED']);
    const other = await buyer.pay(booking.id, 'tok_ok', key);
    expect([other.status, other.body.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    const itsOwner = await buyer.pay(booking.id, 'tok_down', key);
    expect([itsOwner.status, itsOwner.body.code]).toEqual([503, 'PAYMENT_UNAVAILABLE']);
    expect((await buyer.pay(booking.id, 'tok_ok')).status).toBe(200);
  }, 30_000);

  test('has five attempts', async () => {
    const { buyer, booking } = await newHold();
    for (let attempt = 0; attempt < 5; attempt++)
      expect((await buyer.pay(booking.id, 'tok_declined')).status).toBe(402);
    const sixth = await buyer.pay(booking.id, 'tok_ok');
    expect([sixth.status, sixth.body.code]).toEqual([409, 'BOOKING_STATE']);
    // Refused and never sent: nobody needs to ask a provider for it.
    const { attempts } = await buyer.payment(booking.id);
    expect(attempts.map(({ status }) => status)).toEqual([...Array<string>(5).fill('DECLINED'), 'FAILED']);
    expect(attempts.at(-1)!.failureReason).toBe('BOOKING_STATE');
    expect(await netCaptured(system, booking.id)).toBe(0);
  }, 20_000);

  test('has five attempts that a provider has answered: those that none has processed do not count', async () => {
    const { buyer, booking } = await newHold();
    const key = newKey();
    for (let attempt = 0; attempt < 6; attempt++) {
      const down = await buyer.pay(booking.id, 'tok_down', key);
      expect([down.status, down.body.code]).toEqual([503, 'PAYMENT_UNAVAILABLE']);
    }
    expect((await buyer.pay(booking.id, 'tok_ok')).status).toBe(200);
    expect(await netCaptured(system, booking.id)).toBe(25_000);
  }, 20_000);

  test('has as many tries of one key as the booking hears commands; then it is 429', async () => {
    const { buyer, booking } = await newHold();
    const key = newKey();
    const made = {
      bookingId: booking.id,
      amount: booking.price.total,
      createdAtMs: Date.now(),
      method: 'card',
    } as const;
    const fingerprint = fingerprintOf({ method: 'card', token: 'tok_ok' });
    const attempts = Array.from({ length: BOOKING_COMMANDS_MAX }, (_, tries) => ({
      id: derivedId('pay', booking.id, key, String(tries)),
      fingerprint,
      ...made,
    }));
    await insertPaymentAttempts(system.db, attempts);
    await system.db.updateTable('payments').set({ status: 'FAILED' }).where('booking_id', '=', booking.id).execute();
    const refused = await buyer.pay(booking.id, 'tok_ok', key);
    expect([refused.status, refused.body.code]).toEqual([429, 'RATE_LIMITED']);
    expect((await buyer.pay(booking.id, 'tok_ok')).status).toBe(200);
  });
});

describe('the fields of the contract', () => {
  /** Every place in a body that has a value: `seats[].price.amount`. */
  function placesIn(value: unknown, at = ''): string[] {
    if (Array.isArray(value)) return value.length === 0 ? [at] : value.flatMap((each) => placesIn(each, `${at}[]`));
    if (typeof value !== 'object' || value === null) return [at];
    return Object.entries(value).flatMap(([name, each]) => placesIn(each, at === '' ? name : `${at}.${name}`));
  }

  const named = (names: string) => Object.fromEntries(names.split(' ').map((name) => [name, null]));
  const MONEY = named('amount currency');
  const CONTRACT = {
    show: {
      ...named('id movieId theatreId screenId seatingPlanId startsAt endsAt timeZone language format salesOpenAt'),
      ...named('salesCloseAt status'),
      categories: [{ ...named('id name'), price: MONEY }],
      availability: named('available total asOfVersion'),
    },
    seatMap: named('showId seatingPlanId version asOf statuses'),
    plan: {
      ...named('id name'),
      sections: [
        {
          ...named('id name'),
          rows: [{ ...named('id label'), seats: [named('id index label x y category accessible companion')] }],
        },
      ],
    },
    booking: {
      ...named('id bookingNumber showId status items expiresAt createdAt version'),
      seats: [{ ...named('id index label category'), price: MONEY }],
      price: { lines: [{ ...named('kind label'), amount: MONEY }], total: MONEY },
      payment: named('status'),
      refund: { ...named('status'), amount: MONEY },
    },
    payment: {
      ...named('status provider'),
      attempts: [{ ...named('id status method providerReference failureReason at'), amount: MONEY }],
      refunds: [{ ...named('id status at'), amount: MONEY }],
    },
    ledgerItem: { ...named('id kind bookingId at'), amount: MONEY },
  };
  const listOf = (item: object) => ({ items: [item], ...named('nextCursor') });

  function expectFields(body: unknown, contract: object): void {
    expect(placesIn(body)).toEqual(expect.arrayContaining(placesIn(contract)));
  }

  test('are in what is told of a show, its seats, a booking and its payment, and in the ledger', async () => {
    const { buyer, booking } = await newHold();
    const { body: show } = await buyer.get<ShowBody>(`/shows/${booking.showId}`);
    expectFields(show, CONTRACT.show);
    expectFields((await buyer.get('/shows')).body, listOf(CONTRACT.show));
    expectFields((await buyer.get(`/shows/${show.id}/seats`)).body, CONTRACT.seatMap);
    const plan = (await buyer.get(`/seating-plans/${show.seatingPlanId}`)).body;
    expectFields(plan, CONTRACT.plan);

    expect((await buyer.pay(booking.id, 'tok_ok')).status).toBe(200);
    const [charge] = (await ledgerOf(system)).filter(({ bookingId }) => bookingId === booking.id);
    expectFields(charge, CONTRACT.ledgerItem);
    await gaveBack(booking, charge!.attemptId);
    expectFields(await buyer.booking(booking.id), CONTRACT.booking);
    expectFields((await buyer.get('/bookings')).body, listOf(CONTRACT.booking));
    expectFields(await buyer.payment(booking.id), CONTRACT.payment);
  });

  /** As the rows are once half of the price went back. */
  async function gaveBack({ id: bookingId }: BookingBody, paymentId: string): Promise<void> {
    const [amount, atMs] = [money(12_500, 'INR'), Date.now()];
    const at = { createdAtMs: atMs, updatedAtMs: atMs };
    const refund = {
      id: newId('ref'),
      paymentId,
      bookingId,
      changeId: null,
      amount,
      status: 'SUCCEEDED',
      providerReference: 're_1',
    } as const;
    await recordRefunds(system.db, [{ ...refund, ...at }]);
    const ofBooking = JSON.stringify({ amount, status: refund.status });
    await system.db.updateTable('bookings').set({ refund: ofBooking }).where('id', '=', bookingId).execute();
  }

  test('are there for money that only the provider told of: its method is null', async () => {
    const { buyer, booking } = await newHold();
    const [id, atMs] = [newId('pay'), Date.now()];
    const known = { bookingId: booking.id, amount: booking.price.total, createdAtMs: atMs, updatedAtMs: atMs };
    const byProvider = { status: 'SUCCEEDED', provider: 'simulator', providerReference: 'ch_1' } as const;
    const untold = { method: null, fingerprint: null, failureReason: null };
    await recordPayments(system.db, [{ id, ...known, ...byProvider, ...untold }]);
    expect((await buyer.payment(booking.id)).attempts).toMatchObject([{ id, method: null }]);
  });
});

describe('an attempt that outlives its booking', () => {
  /** As a process leaves it that made the attempt durable and died, its key known to the buyer. */
  async function leftOpen(isSent: boolean) {
    const { buyer, booking } = await newHold();
    const key = newKey();
    const id = derivedId('pay', booking.id, key, '0');
    const attempt = { id, bookingId: booking.id, amount: booking.price.total, createdAtMs: Date.now() };
    const fingerprint = fingerprintOf({ method: 'card', token: 'tok_ok' });
    await insertPaymentAttempts(system.db, [{ ...attempt, fingerprint, method: 'card' }]);
    if (isSent) await markPaymentsSent(system.db, [id]);
    expect((await buyer.send('DELETE', `/bookings/${booking.id}`)).status).toBe(200);
    return { buyer, booking, key, id };
  }

  test('and that a provider may have charged is not known yet, until it is', async () => {
    const { buyer, booking, key, id } = await leftOpen(true);
    const open = await buyer.pay(booking.id, 'tok_ok', key);
    expect([open.status, open.body.code]).toEqual([504, 'TIMEOUT']);
    expect((await buyer.payment(booking.id)).attempts).toMatchObject([{ status: 'PENDING' }]);
    await system.db.updateTable('payments').set({ status: 'FAILED' }).where('id', '=', id).execute();
    const known = await buyer.pay(booking.id, 'tok_ok', key);
    expect([known.status, known.body.code, known.body.bookingStatus]).toEqual([409, 'BOOKING_STATE', 'RELEASED']);
  });

  test('and that has captured money is not known yet, until the money has bought the seats or is on its way back', async () => {
    const { buyer, booking, key, id } = await leftOpen(true);
    const { total: amount } = booking.price;
    const captured = { status: 'SUCCEEDED', provider: 'simulator', provider_reference: 'ch_1' } as const;
    await system.db.updateTable('payments').set(captured).where('id', '=', id).execute();
    const open = await buyer.pay(booking.id, 'tok_ok', key);
    expect([open.status, open.body.code]).toEqual([504, 'TIMEOUT']);
    const refund = {
      id: newId('ref'),
      paymentId: id,
      bookingId: booking.id,
      changeId: null,
      amount,
      providerReference: null,
    };
    const at = { createdAtMs: Date.now(), updatedAtMs: Date.now() };
    await recordRefunds(system.db, [{ ...refund, ...at, status: 'PENDING' }]);
    const givenBack = await buyer.pay(booking.id, 'tok_ok', key);
    expect([givenBack.status, givenBack.body.code]).toEqual([410, 'HOLD_EXPIRED']);
  });

  test('and that was never sent has ended with it', async () => {
    const { buyer, booking, key } = await leftOpen(false);
    const refused = await buyer.pay(booking.id, 'tok_ok', key);
    expect([refused.status, refused.body.code, refused.body.bookingStatus]).toEqual([409, 'BOOKING_STATE', 'RELEASED']);
    expect((await buyer.payment(booking.id)).attempts).toMatchObject([{ status: 'FAILED' }]);
  });
});

describe('a repeated payment', () => {
  test('gets the first answer: confirmed, declined or pending, whatever became of it', async () => {
    for (const [token, status] of [
      ['tok_ok', 200],
      ['tok_declined', 402],
      ['tok_pending', 202],
    ] as const) {
      const { buyer, booking } = await newHold();
      const key = newKey();
      const first = await buyer.pay(booking.id, token, key);
      expect([first.status, first.headers.get('idempotent-replayed')]).toEqual([status, null]);
      if (token === 'tok_pending') await endsAs(buyer, booking.id, 'CONFIRMED');
      const again = await buyer.pay(booking.id, token, key);
      expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([status, 'true']);
      expect(again.body).toEqual(first.body);
      expect(again.headers.get('location')).toBe(first.headers.get('location'));
      expect(await netCaptured(system, booking.id)).toBe(token === 'tok_declined' ? 0 : 25_000);
    }
  }, 30_000);

  test('with another body is refused, and charges nothing more', async () => {
    const { buyer, booking } = await newHold();
    const key = newKey();
    expect((await buyer.pay(booking.id, 'tok_declined', key)).status).toBe(402);
    const other = await buyer.pay(booking.id, 'tok_ok', key);
    expect([other.status, other.body.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    expect((await buyer.booking(booking.id)).status).toBe('HELD');
    expect(await netCaptured(system, booking.id)).toBe(0);
  });

  test('with another body while it is being charged does not lose its answer', async () => {
    const { buyer, booking } = await newHold();
    const key = newKey();
    const first = buyer.pay(booking.id, 'tok_slow', key);
    await eventually(
      () => buyer.payment(booking.id),
      ({ attempts }) => attempts.length === 1,
    );
    const other = await buyer.pay(booking.id, 'tok_ok', key);
    expect([other.status, other.body.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    const answer = await first;
    expect([200, 202]).toContain(answer.status);
    const again = await buyer.pay(booking.id, 'tok_slow', key);
    expect([again.status, again.body]).toEqual([answer.status, answer.body]);
    await endsAs(buyer, booking.id, 'CONFIRMED');
    expect(await netCaptured(system, booking.id)).toBe(25_000);
  }, 20_000);

  test('sent ten times at once is one payment and one answer', async () => {
    const { buyer, booking } = await newHold();
    const key = newKey();
    const answers = await Promise.all(Array.from({ length: 10 }, () => buyer.pay(booking.id, 'tok_ok', key)));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(await netCaptured(system, booking.id)).toBe(25_000);
    expect((await buyer.payment(booking.id)).attempts).toHaveLength(1);
  });

  test('with ten keys at once still charges once', async () => {
    const { buyer, booking } = await newHold();
    const answers = await Promise.all(Array.from({ length: 10 }, () => buyer.pay(booking.id, 'tok_ok')));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses[0]).toBe(200);
    expect(statuses.slice(1)).toEqual(Array(9).fill(409));
    expect(await netCaptured(system, booking.id)).toBe(25_000);
  });
});

describe('a webhook', () => {
  const deliver = (event: unknown, sent?: Sent) => deliverWebhook(url(), event, sent);
  const succeeded = (bookingId: string, attemptId: string) =>
    paymentSucceeded(bookingId, attemptId, money(25_000, 'INR'));

  const kept = (eventId: string) =>
    system.db.selectFrom('webhook_events').select('effect').where('event_id', '=', eventId).executeTakeFirst();

  test('that is not signed, wrongly signed, stale or from the future is refused and changes nothing', async () => {
    const { buyer, booking } = await newHold();
    expect((await buyer.pay(booking.id, 'tok_redirect')).status).toBe(202);
    const { attempts } = await buyer.payment(booking.id);
    const event = succeeded(booking.id, attempts[0]!.id);
    for (const sent of [
      { signature: null },
      { signature: 'nonsense' },
      { signature: `t=${nowSeconds()},v1=${'0'.repeat(64)}` },
      { secret: 'another-secret-than-the-one-of-the-tests' },
      { atSeconds: nowSeconds() - 310 },
      { atSeconds: nowSeconds() + 310 },
    ] satisfies Sent[]) {
      const answer = await deliver(event, sent);
      expect([answer.status, answer.body.code]).toEqual([400, 'SIGNATURE_INVALID']);
    }
    expect((await buyer.booking(booking.id)).status).toBe('PAYMENT_PENDING');
    expect(await kept(event.id)).toBeUndefined();
    const unknown = await deliver(event, { provider: 'nobody' });
    expect([unknown.status, unknown.body.code]).toEqual([404, 'NOT_FOUND']);
  });

  test('within the tolerance confirms; repeated it has no effect', async () => {
    const { buyer, booking } = await newHold();
    expect((await buyer.pay(booking.id, 'tok_redirect')).status).toBe(202);
    const { attempts } = await buyer.payment(booking.id);
    const event = succeeded(booking.id, attempts[0]!.id);
    expect((await deliver(event, { atSeconds: nowSeconds() - 290 })).status).toBe(200);
    const confirmed = await endsAs(buyer, booking.id, 'CONFIRMED');
    expect((await kept(event.id))?.effect).toBe('accepted');
    expect((await deliver(event)).status).toBe(200);
    const another = succeeded(booking.id, attempts[0]!.id);
    expect((await deliver(another)).status).toBe(200);
    expect((await kept(another.id))?.effect).toBe('without_effect');
    expect(await buyer.booking(booking.id)).toEqual(confirmed);
  });

  test('about an unknown booking is recorded and answered 200', async () => {
    const event = succeeded('bkg_unknown', 'pay_unknown');
    expect((await deliver(event)).status).toBe(200);
    expect((await kept(event.id))?.effect).toBe('unknown_booking');
  });

  test('that is signed but no event is refused', async () => {
    for (const body of ['{', '[]', '{"id":"evt_1"}', '']) {
      const answer = await deliver(body);
      expect([answer.status, answer.body.code]).toEqual([400, 'SIGNATURE_INVALID']);
    }
  });

  test('about a refund settles the refund that is under way', async () => {
    const { buyer, booking } = await newHold();
    const [paymentId, refundId] = [`pay_${newKey()}`, `ref_${newKey()}`];
    const at = new Date();
    await system.db
      .insertInto('refunds')
      .values({
        id: refundId,
        payment_id: paymentId,
        booking_id: booking.id,
        amount: 25_000,
        currency: 'INR',
        status: 'PENDING',
        provider_reference: null,
        created_at: at,
        updated_at: at,
      })
      .execute();
    const event = { ...succeeded(booking.id, paymentId), type: 'refund.succeeded', refundId };
    const amount = money(1, 'INR');
    for (const other of [{ amount }, { attemptId: newId('pay') }]) {
      const wrong = { ...event, ...other, id: `evt_${newKey()}` };
      expect((await deliver(wrong)).status).toBe(200);
      expect((await kept(wrong.id))?.effect).toBe('other_refund');
    }
    expect((await buyer.payment(booking.id)).refunds).toMatchObject([{ id: refundId, status: 'PENDING' }]);
    expect((await deliver(event)).status).toBe(200);
    expect((await buyer.payment(booking.id)).refunds).toMatchObject([{ id: refundId, status: 'SUCCEEDED' }]);
    const late = { ...event, id: `evt_${newKey()}`, type: 'refund.failed' };
    expect((await deliver(late)).status).toBe(200);
    expect((await buyer.payment(booking.id)).refunds).toMatchObject([{ id: refundId, status: 'SUCCEEDED' }]);
    const told = system.db.selectFrom('outbox').select('type').where('booking_id', '=', booking.id);
    expect(await told.orderBy('id').execute()).toEqual([{ type: 'booking.held' }, { type: 'refund.succeeded' }]);
  });

  test('of a refund that is said to have succeeded when its successor has, is taken and not believed', async () => {
    const { buyer, booking } = await newHold();
    const [paymentId, first] = [newId('pay'), newId('ref')];
    const at = { createdAtMs: Date.now(), updatedAtMs: Date.now() };
    const { total: amount } = booking.price;
    const refund = { paymentId, bookingId: booking.id, changeId: null, amount, providerReference: null, ...at };
    await recordRefunds(system.db, [
      { ...refund, id: first, status: 'FAILED' },
      { ...refund, id: `${first}.2`, status: 'SUCCEEDED' },
    ]);
    const event = { ...succeeded(booking.id, paymentId), type: 'refund.succeeded', refundId: first };
    expect((await deliver(event)).status).toBe(200);
    expect((await kept(event.id))?.effect).toBe('exceeds_capture');
    expect((await buyer.payment(booking.id)).refunds).toMatchObject([{ status: 'FAILED' }, { status: 'SUCCEEDED' }]);
  });
});
