import { sql } from 'kysely';
import { bookingEvent } from '../../src/contracts/events.ts';
import {
  type BookingStateRecord,
  type ConfirmationRecord,
  findWhyGivenBack,
  recordBookingStates,
  recordConfirmations,
  recordMoney,
} from '../../src/read-model/booking-records.ts';
import { findBookings, insertHeldBookings } from '../../src/read-model/bookings.ts';
import { coalesce } from '../../src/read-model/coalesce.ts';
import { SeatAlreadyBookedError } from '../../src/read-model/errors.ts';
import { findPaymentsOfBooking, insertPaymentAttempts } from '../../src/read-model/payments.ts';
import { useTestDatabase } from '../setup/postgres.ts';
import { someBooking, someConfirmation, someHold, someId, somePayment } from './bookings-of-tests.ts';

const test = useTestDatabase();

const confirmed = async (record: ConfirmationRecord) => (await recordConfirmations(test.db, [record]))[0]!;
const stored = async (id: string) => (await findBookings(test.db, [id]))[0]!;
/** What was told after the hold. */
const outboxOf = async (bookingId: string) => {
  const events = test.db.selectFrom('outbox').select(['type', 'payload']).where('booking_id', '=', bookingId);
  return (await events.orderBy('id').execute()).filter(({ type }) => type !== 'booking.held');
};
const seatsOf = async (bookingId: string) => {
  const rows = await test.db.selectFrom('booked_seats').selectAll().where('booking_id', '=', bookingId).execute();
  return rows.map((row) => row.seat_id).sort();
};
async function held(...wanted: Parameters<typeof someHold>) {
  const hold = someHold(...wanted);
  await insertHeldBookings(test.db, [hold]);
  return hold;
}

describe('recording a confirmation', () => {
  it('writes booking, number, seats, payment and outbox together', async () => {
    const hold = await held({ seatIds: ['C7', 'C8'] });
    const record = someConfirmation(hold);
    await insertPaymentAttempts(test.db, [{ ...record.payment, method: 'card' }]);
    const today = () => new Date().toISOString().slice(0, 10).replaceAll('-', '');
    const begun = today();
    const result = await confirmed(record);
    expect(result).toMatchObject({ confirmed: true, version: 2 });
    const bookingNumber = result.confirmed ? result.bookingNumber : '';
    // Midnight may have passed meanwhile.
    expect(bookingNumber).toMatch(new RegExp(`^BMS(${begun}|${today()})\\d{8}$`));
    expect(await stored(hold.id)).toEqual({ ...record.booking, bookingNumber });
    expect(await seatsOf(hold.id)).toEqual(['C7', 'C8']);
    expect((await findPaymentsOfBooking(test.db, hold.id)).attempts).toEqual([
      { ...record.payment, status: 'SUCCEEDED' },
    ]);
    expect(await outboxOf(hold.id)).toEqual(record.outbox);
  });

  it('is repeatable: the same number again, and nothing twice', async () => {
    const record = someConfirmation(await held());
    const first = await confirmed(record);
    expect(await confirmed(record)).toEqual(first);
    const repeats = await Promise.all(Array.from({ length: 10 }, () => confirmed(record)));
    for (const repeat of repeats) expect(repeat).toEqual(first);
    expect(await outboxOf(record.booking.id)).toHaveLength(1);
  });

  it('writes a booking whose row the API never wrote', async () => {
    const record = someConfirmation(someHold());
    expect((await confirmed(record)).confirmed).toBe(true);
    expect((await stored(record.booking.id)).status).toBe('CONFIRMED');
  });

  it('lets one of two payments confirm a booking, keeps both, and says which one it was', async () => {
    const hold = await held();
    const records = Array.from({ length: 8 }, () => someConfirmation(hold));
    const results = await Promise.all(records.map(confirmed));
    const winners = results.flatMap((result, index) => (result.confirmed ? [index] : []));
    expect(winners).toHaveLength(1);
    const paidBy = records[winners[0]!]!.payment.id;
    for (const result of results) expect(result).toMatchObject(result.confirmed ? {} : { paidBy });
    const { attempts } = await findPaymentsOfBooking(test.db, hold.id);
    expect(attempts.map((attempt) => attempt.status)).toEqual(records.map(() => 'SUCCEEDED'));
    expect(await outboxOf(hold.id)).toHaveLength(1);
  });

  it('makes an expired booking confirmed when its money came late, with a version above the row’s', async () => {
    const hold = await held();
    await recordBookingStates(test.db, [{ booking: someBooking({ ...hold, status: 'EXPIRED', version: 7 }) }]);
    expect(await confirmed(someConfirmation(hold))).toMatchObject({ confirmed: true, version: 8 });
    expect(await stored(hold.id)).toMatchObject({ status: 'CONFIRMED', version: 8 });
  });

  it('keeps the booking as first answered', async () => {
    const hold = await held();
    const asCreated = { seats: hold.seats, price: hold.price, expiresAtMs: hold.expiresAtMs };
    await recordBookingStates(test.db, [{ booking: someBooking({ ...hold, version: 2, expiresAtMs: 5, asCreated }) }]);
    await confirmed(someConfirmation(hold));
    expect(await stored(hold.id)).toMatchObject({ status: 'CONFIRMED', asCreated });
  });

  it('leaves a booking cancelled since as it is when an old confirmation is repeated', async () => {
    const record = someConfirmation(await held());
    const first = await confirmed(record);
    const cancelled = { ...(await stored(record.booking.id)), status: 'CANCELLED' as const, version: 3 };
    await recordBookingStates(test.db, [{ booking: cancelled }]);
    expect(await confirmed(record)).toEqual({ ...first, version: 3 });
    expect(await stored(record.booking.id)).toEqual(cancelled);
  });

  it('gives every booking a number of its own', async () => {
    const records = await Promise.all(Array.from({ length: 40 }, async () => someConfirmation(await held())));
    const batches = [records.slice(0, 20), records.slice(20)];
    const results = (await Promise.all(batches.map((batch) => recordConfirmations(test.db, batch)))).flat();
    const numbers = results.map((result) => (result.confirmed ? result.bookingNumber : ''));
    expect(new Set(numbers).size).toBe(40);
    for (const [index, { booking }] of records.entries()) {
      expect((await stored(booking.id)).bookingNumber).toBe(numbers[index]);
    }
  });

  it('numbers grow beyond eight digits rather than be cut', async () => {
    await sql`alter sequence booking_number_sequence restart with 99999999`.execute(test.db);
    const numbers: string[] = [];
    for (let count = 0; count < 2; count++) {
      const result = await confirmed(someConfirmation(await held()));
      if (result.confirmed) numbers.push(result.bookingNumber.slice('BMS20261120'.length));
    }
    expect(numbers).toEqual(['99999999', '100000000']);
  });
});

describe('the second line of defence', () => {
  it('gives a seat to one of fifty bookings that race for it, and writes nothing of the others', async () => {
    const showId = someId('shw');
    const holds = await Promise.all(
      Array.from({ length: 50 }, (_, index) => held({ showId, seatIds: ['A1', `B${index}`] })),
    );
    const records = holds.map((hold) => someConfirmation(hold));
    const results = await Promise.allSettled(records.map(confirmed));
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(49);
    for (const { reason } of refused) expect(reason).toBeInstanceOf(SeatAlreadyBookedError);
    const rows = await findBookings(
      test.db,
      holds.map(({ id }) => id),
    );
    expect(rows.filter((row) => row!.status === 'CONFIRMED')).toHaveLength(1);
    const seats = await test.db.selectFrom('booked_seats').selectAll().where('show_id', '=', showId).execute();
    expect(seats).toHaveLength(2);
    const loser = holds[results.findIndex((result) => result.status === 'rejected')]!;
    expect((await findPaymentsOfBooking(test.db, loser.id)).attempts).toEqual([]);
    expect(await outboxOf(loser.id)).toEqual([]);
  });

  it('fails alone in its batch', async () => {
    const showId = someId('shw');
    const winner = someConfirmation(await held({ showId, seatIds: ['A1'] }));
    await confirmed(winner);
    const confirm = coalesce((batch: readonly ConfirmationRecord[]) => recordConfirmations(test.db, batch), {
      maxBatch: 50,
      maxQueued: 100,
    });
    const seats = ['A2', 'A3', 'A1', 'A4', 'A5'];
    const records = await Promise.all(seats.map(async (id) => someConfirmation(await held({ showId, seatIds: [id] }))));
    const results = await Promise.allSettled(records.map(confirm));
    expect(results.map((result) => result.status === 'fulfilled')).toEqual([true, true, false, true, true]);
    expect((results[2] as PromiseRejectedResult).reason).toBeInstanceOf(SeatAlreadyBookedError);
  });

  it('lets the same seat be booked in another show, and again after its row is gone', async () => {
    const [a, b] = [await held({ seatIds: ['A1'] }), await held({ seatIds: ['A1'] })];
    await confirmed(someConfirmation(a));
    expect((await confirmed(someConfirmation(b))).confirmed).toBe(true);
    await test.db.deleteFrom('booked_seats').where('show_id', '=', a.showId).execute();
    const next = await held({ showId: a.showId, seatIds: ['A1'] });
    expect((await confirmed(someConfirmation(next))).confirmed).toBe(true);
  });

  it('two bookings of one batch that name the same seat are both refused together and told apart alone', async () => {
    const showId = someId('shw');
    const records = [
      someConfirmation(await held({ showId, seatIds: ['A1'] })),
      someConfirmation(await held({ showId, seatIds: ['A1'] })),
    ];
    await expect(recordConfirmations(test.db, records)).rejects.toThrow(SeatAlreadyBookedError);
    expect(await seatsOf(records[0]!.booking.id)).toEqual([]);
    expect((await confirmed(records[0]!)).confirmed).toBe(true);
    await expect(confirmed(records[1]!)).rejects.toThrow(SeatAlreadyBookedError);
  });
});

describe('recording the states of a booking', () => {
  const record = (state: BookingStateRecord) => recordBookingStates(test.db, [state]);

  it('writes the newest version, whatever the order in which the states come', async () => {
    const hold = await held();
    const states = [2, 3, 4, 5, 6].map((version) =>
      someBooking({ ...hold, version, status: version % 2 === 0 ? 'PAYMENT_PENDING' : 'HELD', expiresAtMs: version }),
    );
    await Promise.all([...states, ...[...states].reverse()].map((booking) => record({ booking })));
    expect(await stored(hold.id)).toEqual(states.at(-1));
  });

  it('takes the later change, also where a lost workflow task has recorded another one with the same version', async () => {
    const hold = await held();
    const lost = someBooking({ ...hold, status: 'PAYMENT_PENDING', version: 2, changedAtMs: hold.heldAtMs + 1_000 });
    const real = someBooking({ ...hold, status: 'EXPIRED', version: 2, changedAtMs: hold.heldAtMs + 9_000 });
    await record({ booking: lost });
    await record({ booking: real });
    await record({ booking: lost });
    await record({ booking: real });
    expect(await stored(hold.id)).toMatchObject({ status: 'EXPIRED', version: 3 });
  });

  it('leaves a booking released that a lost workflow task has released, and whose next one found its time over', async () => {
    const hold = await held();
    const released = someBooking({ ...hold, status: 'RELEASED', version: 2, changedAtMs: hold.heldAtMs + 1_000 });
    const expired = someBooking({ ...hold, status: 'EXPIRED', version: 2, changedAtMs: hold.heldAtMs + 9_000 });
    const outbox = [bookingEvent('booking.expired', { bookingId: hold.id, showId: hold.showId })];
    await record({ booking: released });
    expect(await record({ booking: expired, outbox })).toEqual([false]);
    expect(await stored(hold.id)).toMatchObject({ status: 'RELEASED' });
    expect(await outboxOf(hold.id)).toEqual([]);
  });

  it('never takes a confirmed booking back, even with a higher version', async () => {
    const hold = await held();
    await confirmed(someConfirmation(hold));
    const before = await stored(hold.id);
    const late = someBooking({ ...hold, status: 'EXPIRED', version: 99 });
    const expired = bookingEvent('booking.expired', { bookingId: hold.id, showId: hold.showId });
    expect(await record({ booking: late, outbox: [expired] })).toEqual([false]);
    expect(await stored(hold.id)).toEqual(before);
    expect(await outboxOf(hold.id)).toHaveLength(1);
  });

  it('cannot confirm: a confirmed booking has a number and a payment', async () => {
    const booking = someBooking({ ...(await held()), status: 'CONFIRMED', version: 2 });
    await expect(record({ booking })).rejects.toMatchObject({ constraint: 'confirmed_is_paid_and_numbered' });
  });

  it('keeps the booking as first answered when seats and expiry change', async () => {
    const hold = await held();
    const asCreated = { seats: hold.seats, price: hold.price, expiresAtMs: hold.expiresAtMs };
    const moved = someHold({ ...hold, seatIds: ['K1'], seats: someHold({ seatIds: ['K1'] }).seats });
    await record({ booking: someBooking({ ...moved, version: 2, expiresAtMs: hold.expiresAtMs + 1, asCreated }) });
    await record({ booking: someBooking({ ...moved, version: 3, asCreated: { ...asCreated, expiresAtMs: 5 } }) });
    expect(await stored(hold.id)).toMatchObject({ seats: moved.seats, version: 3, asCreated });
  });

  it('writes payment, refund and outbox with it, once however often it is repeated', async () => {
    const hold = await held();
    const payment = somePayment(hold.id, { status: 'DECLINED', failureReason: 'insufficient_funds' });
    const refund = {
      id: someId('ref'),
      paymentId: payment.id,
      bookingId: hold.id,
      changeId: null,
      amount: payment.amount,
      status: 'PENDING' as const,
      providerReference: null,
      createdAtMs: 5,
      updatedAtMs: 5,
    };
    const refundOfBooking = { amount: refund.amount, status: refund.status };
    const booking = someBooking({
      ...hold,
      version: 2,
      payment: { status: 'DECLINED' },
      refund: refundOfBooking,
    });
    const ofRefund = { refundId: refund.id, amount: refund.amount, reason: 'too late' };
    const outbox = [
      bookingEvent('payment.refunded', { bookingId: hold.id, showId: hold.showId, ...ofRefund }),
      bookingEvent('refund.started', { bookingId: hold.id, showId: hold.showId, ...ofRefund }),
    ];
    expect(await record({ booking, payment, refund, outbox })).toEqual([true]);
    expect(await record({ booking, payment, refund, outbox })).toEqual([false]);
    expect(await stored(hold.id)).toEqual(booking);
    expect(await findPaymentsOfBooking(test.db, hold.id)).toEqual({ attempts: [payment], refunds: [refund] });
    expect(await outboxOf(hold.id)).toEqual(outbox);
  });

  it('tells of a refund where the booking does not change: when it is new and when its status is, once each', async () => {
    const hold = await held();
    const paid = someConfirmation(hold);
    await confirmed(paid);
    const second = somePayment(hold.id);
    const refund = {
      id: someId('ref'),
      paymentId: second.id,
      bookingId: hold.id,
      changeId: null,
      amount: second.amount,
      status: 'PENDING' as const,
      providerReference: null,
      createdAtMs: 5,
      updatedAtMs: 5,
    };
    const failed = someBooking({ ...hold, status: 'FAILED', version: 9 });
    const of = {
      bookingId: hold.id,
      showId: hold.showId,
      refundId: refund.id,
      amount: refund.amount,
      reason: 'paid_twice',
    };
    const [begun, ended] = [bookingEvent('payment.refunded', of), bookingEvent('refund.succeeded', of)];
    const taken = { ...refund, providerReference: 're_1' };
    const done = { ...taken, status: 'SUCCEEDED' as const };
    for (const state of [refund, refund, taken]) {
      expect(await record({ booking: failed, payment: second, refund: state, refundOutbox: [begun] })).toEqual([false]);
    }
    await recordMoney(test.db, { bookingId: hold.id, refund: done, refundOutbox: [ended] });
    await recordMoney(test.db, { bookingId: hold.id, refund: done, refundOutbox: [ended] });
    await record({ booking: failed, refund: done, refundOutbox: [ended] });
    await record({
      booking: failed,
      refund: { ...done, status: 'FAILED' },
      refundOutbox: [bookingEvent('refund.failed', of)],
    });
    expect(await outboxOf(hold.id)).toEqual([...paid.outbox, begun, ended]);
    expect(await findWhyGivenBack(test.db, hold.id, `${refund.id}.2`)).toBe('paid_twice');
    expect(await findWhyGivenBack(test.db, hold.id, someId('ref'))).toBeNull();
  });

  it('records many bookings in one statement', async () => {
    const holds = await Promise.all(Array.from({ length: 30 }, () => held()));
    const records = holds.map((hold, index) => ({
      booking: someBooking({ ...hold, status: index % 2 === 0 ? 'EXPIRED' : 'RELEASED', version: 2 }),
    }));
    expect(await recordBookingStates(test.db, records)).toEqual(holds.map(() => true));
    expect(
      await findBookings(
        test.db,
        holds.map(({ id }) => id),
      ),
    ).toEqual(records.map(({ booking }) => booking));
  });

  it('of one booking that meet in one batch are both heard, and the newest stays', async () => {
    const hold = await held();
    const save = coalesce((batch: readonly BookingStateRecord[]) => recordBookingStates(test.db, batch), {
      maxBatch: 50,
      maxQueued: 100,
    });
    const states = [2, 4, 3, 5].map((version) => someBooking({ ...hold, version, status: 'PAYMENT_PENDING' }));
    const changed = await Promise.all(states.map((booking) => save({ booking })));
    // The batch is split, and its parts are done in any order: only the newest is sure to change the row.
    expect(changed.at(-1)).toBe(true);
    expect((await stored(hold.id)).version).toBe(5);
  });
});
