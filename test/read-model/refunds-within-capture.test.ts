import { RefundExceedsCaptureError } from '../../src/domain/refund-plan.ts';
import { type Refund, recordPayments, recordRefunds } from '../../src/read-model/payments.ts';
import { useTestDatabase } from '../setup/postgres.ts';
import { someId, somePayment } from './bookings-of-tests.ts';

const test = useTestDatabase();
const CAPTURED = 1_000;

async function captured(): Promise<string> {
  const payment = somePayment(someId('bkg'), { status: 'SUCCEEDED', amount: { amount: CAPTURED, currency: 'INR' } });
  await recordPayments(test.db, [payment]);
  return payment.id;
}

const refundOf = (paymentId: string, amount: number, further: Partial<Refund> = {}): Refund => ({
  id: someId('ref'),
  paymentId,
  bookingId: someId('bkg'),
  amount: { amount, currency: 'INR' },
  status: 'PENDING',
  providerReference: null,
  changeId: someId('chg'),
  createdAtMs: 0,
  updatedAtMs: 0,
  ...further,
});

async function givenBack(paymentId: string): Promise<number> {
  const rows = await test.db.selectFrom('refunds').selectAll().where('payment_id', '=', paymentId).execute();
  return rows.filter(({ status }) => status !== 'FAILED').reduce((sum, { amount }) => sum + amount, 0);
}

describe('the refunds of a payment', () => {
  it('never exceed it, however many are written at once by whomever', async () => {
    const paymentId = await captured();
    const changes = Array.from({ length: 20 }, (_, number) =>
      refundOf(paymentId, 100 + number, number % 3 === 0 ? { changeId: null } : {}),
    );
    const results = await Promise.allSettled(changes.map((refund) => recordRefunds(test.db, [refund])));
    const granted = changes.filter((_, index) => results[index]!.status === 'fulfilled');
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(RefundExceedsCaptureError);
    }
    const sum = granted.reduce((total, { amount }) => total + amount.amount, 0);
    expect(await givenBack(paymentId)).toBe(sum);
    expect(sum).toBeLessThanOrEqual(CAPTURED);
    // No more would have fitted.
    expect(sum).toBeGreaterThan(CAPTURED - 119);
  });

  it('are those that have not failed; one that failed must fit again before it may succeed after all', async () => {
    const paymentId = await captured();
    const [first, second] = [refundOf(paymentId, 600), refundOf(paymentId, 600)];
    await recordRefunds(test.db, [first]);
    await expect(recordRefunds(test.db, [second])).rejects.toThrow(RefundExceedsCaptureError);
    await recordRefunds(test.db, [{ ...first, status: 'FAILED' }]);
    await recordRefunds(test.db, [second]);
    await expect(recordRefunds(test.db, [{ ...first, status: 'SUCCEEDED' }])).rejects.toThrow(
      RefundExceedsCaptureError,
    );
    await recordRefunds(test.db, [{ ...second, status: 'SUCCEEDED' }]);
    expect(await givenBack(paymentId)).toBe(600);
  });

  it('that have failed are not under way again by what a worker writes late; the next one fits', async () => {
    const paymentId = await captured();
    const [first, second] = [refundOf(paymentId, CAPTURED), refundOf(paymentId, CAPTURED)];
    await recordRefunds(test.db, [{ ...first, status: 'FAILED' }]);
    await recordRefunds(test.db, [first]);
    await recordRefunds(test.db, [second]);
    expect(await givenBack(paymentId)).toBe(CAPTURED);
  });

  it('may be written again as often as one likes', async () => {
    const paymentId = await captured();
    const refund = refundOf(paymentId, CAPTURED);
    await recordRefunds(test.db, [refund]);
    await recordRefunds(test.db, [refund]);
    await recordRefunds(test.db, [{ ...refund, status: 'SUCCEEDED' }]);
    expect(await givenBack(paymentId)).toBe(CAPTURED);
  });

  it('give back all that a provider took by mistake, once', async () => {
    const paymentId = await captured();
    const tooMuch = refundOf(paymentId, 3 * CAPTURED, { changeId: null });
    await recordRefunds(test.db, [tooMuch]);
    const again = refundOf(paymentId, 3 * CAPTURED, { changeId: null });
    await expect(recordRefunds(test.db, [again])).rejects.toThrow(RefundExceedsCaptureError);
    await expect(recordRefunds(test.db, [refundOf(paymentId, 1)])).rejects.toThrow(RefundExceedsCaptureError);
  });

  it('of a change belong to a payment that there is', async () => {
    await expect(recordRefunds(test.db, [refundOf(someId('pay'), 1)])).rejects.toThrow(RefundExceedsCaptureError);
  });
});

it('a change that is recorded is never changed nor deleted', async () => {
  const id = someId('chg');
  const change = { id, booking_id: someId('bkg'), kind: 'cancellation', requested_by: 'usr_1', reason: null } as const;
  const moved = { seat_ids: ['A1'], seats: [0], tier: null, refund_amount: 1, kept_amount: 0, currency: 'INR' };
  await test.db
    .insertInto('booking_changes')
    .values({ ...change, ...moved, other_booking_id: null, created_at: new Date() })
    .execute();
  const row = () => test.db.selectFrom('booking_changes').selectAll().where('id', '=', id).executeTakeFirst();
  const before = await row();
  await expect(test.db.deleteFrom('booking_changes').where('id', '=', id).execute()).rejects.toThrow('never changed');
  const update = test.db.updateTable('booking_changes').set({ refund_amount: 2 } as never);
  await expect(update.where('id', '=', id).execute()).rejects.toThrow('never changed');
  expect(await row()).toEqual(before);
});
