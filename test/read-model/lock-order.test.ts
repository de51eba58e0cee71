import { sql } from 'kysely';
import { BookingsUnderChange } from '../../src/read-model/bookings-under-change.ts';
import { recordBookingStates, recordConfirmations } from '../../src/read-model/booking-records.ts';
import { insertHeldBookings } from '../../src/read-model/bookings.ts';
import type { ReadModel } from '../../src/read-model/database.ts';
import { saveAnswers } from '../../src/read-model/idempotency-answers.ts';
import { insertPaymentAttempts, recordPayments, recordRefunds, type Refund } from '../../src/read-model/payments.ts';
import { useTestDatabase } from '../setup/postgres.ts';
import { someBooking, someConfirmation, someHold, someId, somePayment } from './bookings-of-tests.ts';

const test = useTestDatabase();

/** A way to write the two rows of a test, `lower` first in the order of their ids, however they are named to it. */
type Write = (db: ReadModel, rows: readonly ('lower' | 'upper')[]) => Promise<unknown>;

function pairOf<Row>(make: (id: string) => Row): (rows: readonly ('lower' | 'upper')[]) => Row[] {
  const name = someId('bkg');
  const pair = { lower: make(`${name}-a`), upper: make(`${name}-b`) };
  return (rows) => rows.map((row) => pair[row]);
}

function writes(): Readonly<Record<string, Write>> {
  const holds = pairOf((id) => someHold({ id }));
  const states = pairOf((id) => ({ booking: someBooking({ id, status: 'EXPIRED', version: 2 }) }));
  const confirmations = pairOf((id) => someConfirmation(someHold({ id })));
  const attempts = pairOf((id) => ({ ...somePayment(someId('bkg'), { id }), method: 'card' as const }));
  const payments = pairOf((id) => somePayment(someId('bkg'), { id, status: 'UNKNOWN' }));
  const refunds = pairOf((id) => ({
    id,
    paymentId: someId('pay'),
    bookingId: someId('bkg'),
    changeId: null,
    amount: { amount: 1, currency: 'INR' },
    status: 'PENDING' as const,
    providerReference: null,
    createdAtMs: 1,
    updatedAtMs: 1,
  }));
  const answers = pairOf((key) => ({ scope: 'usr_1', key, fingerprint: '', status: 200, headers: {}, body: null }));
  return {
    insertHeldBookings: (db, rows) => insertHeldBookings(db, holds(rows)),
    recordBookingStates: (db, rows) => recordBookingStates(db, states(rows)),
    recordConfirmations: (db, rows) => recordConfirmations(db, confirmations(rows)),
    insertPaymentAttempts: (db, rows) => insertPaymentAttempts(db, attempts(rows)),
    recordPayments: (db, rows) => recordPayments(db, payments(rows)),
    recordRefunds: (db, rows) => recordRefunds(db, refunds(rows)),
    saveAnswers: (db, rows) => saveAnswers(db, answers(rows)),
  };
}

/** Until somebody in this database waits for another's lock. */
async function somebodyWaits(): Promise<void> {
  for (;;) {
    const { rows } = await sql`
      select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(test.db);
    if (rows.length > 0) return;
  }
}

describe('two batches that share rows in opposite orders cannot deadlock', () => {
  it.each(Object.entries(writes()))('%s', async (_name, write) => {
    const trx = await test.db.startTransaction().execute();
    await write(trx, ['lower']);
    const other = write(test.db, ['upper', 'lower']);
    await somebodyWaits();
    // Would wait for the other batch, which waits for this one, had that one taken the upper row first.
    await write(trx, ['upper']);
    await trx.commit().execute();
    await expect(other).resolves.not.toThrow();
  });
});

/** Two bookings, the later one exchanged for the earlier, each with a payment of its own. */
async function chainOfTwo() {
  const name = someId('pay');
  const ids = { lower: `${name}-a`, upper: `${name}-b` };
  const first = someConfirmation(someHold(), { id: ids.lower, status: 'SUCCEEDED' });
  const second = someConfirmation(someHold(), { id: ids.upper, status: 'SUCCEEDED' });
  await recordConfirmations(test.db, [first, second]);
  await sql`update bookings set chain_id = ${first.booking.id} where id = ${second.booking.id}`.execute(test.db);
  return { ids, bookingId: second.booking.id };
}

it('a change that gives two payments back cannot deadlock with those that write them, however its refunds are named', async () => {
  const { ids, bookingId } = await chainOfTwo();
  const changeId = someId('chg');
  const refund = (id: string, paymentId: string): Refund => ({
    id,
    paymentId,
    bookingId,
    changeId,
    amount: { amount: 1, currency: 'INR' },
    status: 'PENDING',
    providerReference: null,
    createdAtMs: 1,
    updatedAtMs: 1,
  });
  const known = (id: string) => [somePayment(bookingId, { id, status: 'SUCCEEDED', provider: 'another' })];
  const trx = await test.db.startTransaction().execute();
  await recordPayments(trx, known(ids.lower));
  const change = test.db.transaction().execute(async (other) => {
    const records = await BookingsUnderChange.lock(other, [{ bookingId, changeId }]);
    records.noteRefund(refund(`${changeId}-1`, ids.upper));
    records.noteRefund(refund(`${changeId}-2`, ids.lower));
    await records.write(other);
  });
  await somebodyWaits();
  await recordPayments(trx, known(ids.upper));
  await trx.commit().execute();
  await expect(change).resolves.not.toThrow();
});
