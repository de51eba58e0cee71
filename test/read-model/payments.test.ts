import fc from 'fast-check';
import type { PaymentStatus } from '../../src/domain/booking.ts';
import {
  findAttemptsWithoutOutcome,
  findPayment,
  findPaymentsOfBooking,
  insertPaymentAttempts,
  markPaymentsSent,
  markPaymentSwept,
  recordPayments,
  recordRefunds,
  refuseUnsentPayment,
} from '../../src/read-model/payments.ts';
import { useTestDatabase } from '../setup/postgres.ts';
import { someId, somePayment } from './bookings-of-tests.ts';

const test = useTestDatabase();
/** Under a second on an idle machine; on one whose cores are all busy, several times that. */
const PROPERTY_TIMEOUT_MS = 60_000;
const statuses: readonly PaymentStatus[] = ['PENDING', 'UNKNOWN', 'DECLINED', 'FAILED', 'SUCCEEDED'];

const someAttempt = (wanted: Parameters<typeof somePayment>[1] = {}) => ({
  ...somePayment(someId('bkg'), wanted),
  method: 'card' as const,
});

describe('payment attempts', () => {
  it('are durable before they are charged, PENDING; a repeat finds the first with what became of it', async () => {
    const attempt = someAttempt();
    expect(await insertPaymentAttempts(test.db, [attempt])).toEqual([{ inserted: true, payment: attempt }]);
    const declined = { ...attempt, status: 'DECLINED' as const, failureReason: 'insufficient_funds', updatedAtMs: 9 };
    await recordPayments(test.db, [declined]);
    const fresh = someAttempt();
    const repeat = { ...attempt, fingerprint: 'of another body' };
    expect(await insertPaymentAttempts(test.db, [repeat, fresh])).toEqual([
      { inserted: false, payment: declined },
      { inserted: true, payment: fresh },
    ]);
  });

  it('sent many times at once are written once', async () => {
    const attempts = Array.from({ length: 20 }, () => someAttempt());
    const turns = Array.from({ length: 8 }, (_, turn) => [...attempts.slice(turn), ...attempts.slice(0, turn)]);
    const answers = (await Promise.all(turns.map((turn) => insertPaymentAttempts(test.db, turn)))).flat();
    expect(answers.filter((answer) => answer.inserted)).toHaveLength(20);
  });

  it('are marked as sent once, whoever comes again', async () => {
    const attempt = someAttempt();
    await insertPaymentAttempts(test.db, [attempt]);
    const marks = await Promise.all(
      Array.from({ length: 5 }, () => markPaymentsSent(test.db, [attempt.id, attempt.id])),
    );
    expect(marks.flat().filter((mark) => mark === 'first')).toHaveLength(1);
    expect(marks.flat().filter((mark) => mark === 'again')).toHaveLength(9);
    expect(await markPaymentsSent(test.db, ['pay_none'])).toEqual(['again']);
  });

  it('that were refused before they were sent end; one that a provider may know of stays open', async () => {
    const [unsent, sent, declined] = [someAttempt(), someAttempt(), someAttempt()];
    await insertPaymentAttempts(test.db, [unsent, sent, declined]);
    await markPaymentsSent(test.db, [sent.id]);
    await recordPayments(test.db, [{ ...declined, status: 'DECLINED' }]);
    const refuse = ({ id }: { id: string }) =>
      refuseUnsentPayment(test.db, { attemptId: id, reason: 'BOOKING_STATE', atMs: 77 });
    expect([await refuse(unsent), await refuse(sent), await refuse(declined)]).toEqual([true, false, false]);
    expect(await refuse(unsent)).toBe(false);
    expect(await markPaymentsSent(test.db, [unsent.id])).toEqual(['refused']);
    const failed = { ...unsent, status: 'FAILED', failureReason: 'BOOKING_STATE', updatedAtMs: 77 };
    expect(await findPayment(test.db, unsent.id)).toEqual(failed);
    expect((await findPayment(test.db, sent.id))!.status).toBe('PENDING');
    expect((await findPayment(test.db, declined.id))!.status).toBe('DECLINED');
  });

  it(
    'never lose a success, and an end gives way to a success only',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.constantFrom(...statuses), { minLength: 1, maxLength: 6 }), async (written) => {
          const payment = somePayment(someId('bkg'));
          for (const status of written) await recordPayments(test.db, [{ ...payment, status }]);
          const firstEnd = written.find((status) => status === 'DECLINED' || status === 'FAILED');
          const expected = written.includes('SUCCEEDED') ? 'SUCCEEDED' : (firstEnd ?? written.at(-1)!);
          expect((await findPayment(test.db, payment.id))!.status).toBe(expected);
        }),
        { numRuns: 60 },
      );
    },
    PROPERTY_TIMEOUT_MS,
  );

  it('keep provider and reference that a later writer does not know', async () => {
    const payment = somePayment(someId('bkg'), { provider: 'simulator', providerReference: 'ch_7' });
    await recordPayments(test.db, [payment]);
    await recordPayments(test.db, [{ ...payment, status: 'SUCCEEDED', providerReference: null, provider: null }]);
    const { attempts } = await findPaymentsOfBooking(test.db, payment.bookingId);
    expect(attempts).toEqual([{ ...payment, status: 'SUCCEEDED' }]);
  });

  it('without outcome are found by their age, oldest first, a bounded number of them, each in its turn', async () => {
    const at = (createdAtMs: number, status: PaymentStatus) =>
      someAttempt({ createdAtMs, updatedAtMs: createdAtMs, status });
    const [second, first, tooYoung] = [at(2_000, 'UNKNOWN'), at(1_000, 'PENDING'), at(10_000, 'PENDING')];
    const ended = (['SUCCEEDED', 'DECLINED', 'FAILED'] as const).map((status) => at(500, status));
    await recordPayments(test.db, [second, first, tooYoung, ...ended]);
    const found = await findAttemptsWithoutOutcome(test.db, { createdBeforeMs: 10_000, limit: 10 });
    expect(found.map(({ id }) => id)).toEqual([first.id, second.id]);
    const bounded = await findAttemptsWithoutOutcome(test.db, { createdBeforeMs: 10_000, limit: 1 });
    expect(bounded.map(({ id }) => id)).toEqual([first.id]);
    await markPaymentSwept(test.db, first.id);
    const next = await findAttemptsWithoutOutcome(test.db, { createdBeforeMs: 10_000, limit: 1 });
    expect(next.map(({ id }) => id)).toEqual([second.id]);
    await markPaymentSwept(test.db, second.id);
    const after = await findAttemptsWithoutOutcome(test.db, { createdBeforeMs: 10_000, limit: 1 });
    expect(after.map(({ id }) => id)).toEqual([first.id]);
  });
});

describe('refunds', () => {
  it('that have succeeded stay so; one that failed does until it has succeeded after all', async () => {
    const [bookingId, paymentId] = [someId('bkg'), someId('pay')];
    const refund = {
      id: someId('ref'),
      paymentId,
      bookingId,
      changeId: null,
      amount: { amount: 100, currency: 'INR' },
    };
    const write = (status: 'PENDING' | 'FAILED' | 'SUCCEEDED', providerReference: string | null) =>
      recordRefunds(test.db, [{ ...refund, status, providerReference, createdAtMs: 1, updatedAtMs: 1 }]);
    const stored = async () => (await findPaymentsOfBooking(test.db, bookingId)).refunds;
    await write('PENDING', 're_1');
    await write('FAILED', null);
    await write('PENDING', null);
    expect(await stored()).toMatchObject([{ status: 'FAILED', providerReference: 're_1' }]);
    await write('SUCCEEDED', 're_2');
    await write('FAILED', 're_3');
    expect(await stored()).toMatchObject([{ status: 'SUCCEEDED', providerReference: 're_2' }]);
  });
});
