import type { PayAnswer } from '../../src/contracts/booking-messages.ts';
import type { PaymentNotification } from '../../src/contracts/payments.ts';
import type { Ended } from '../../src/contracts/workflow-client.ts';
import { bookingChangeWorkflowId, bookingWorkflowId, latePaymentWorkflowId } from '../../src/contracts/workflow-ids.ts';
import type { Booking, BookingStatus, NewBooking, PricedSeat } from '../../src/domain/booking.ts';
import type { BookingTerms } from '../../src/domain/booking-process.ts';
import { priceSeats } from '../../src/domain/pricing.ts';
import { newId } from '../../src/platform/ids.ts';
import { findBookings, insertHeldBookings } from '../../src/read-model/bookings.ts';
import { insertPaymentAttempts } from '../../src/read-model/payments.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { holdAndStart, testTerms } from './shows.ts';
import type { TestSystem } from './system.ts';
import { untilKnown } from './until-known.ts';

/** A booking as the API makes it: seats held, its workflow started, its row written. */
export async function book(
  system: Pick<TestSystem, 'db' | 'workflows'>,
  show: Show,
  seats: readonly number[],
  terms: Partial<BookingTerms> = {},
): Promise<NewBooking> {
  const booking = await holdAndStart(system, show, seats, { ...testTerms, ...terms });
  await insertHeldBookings(system.db, [booking]);
  return booking;
}

/** Pays as the API does: the attempt is a row before the booking's workflow hears of it. */
export async function pay(
  system: Pick<TestSystem, 'db' | 'workflows'>,
  booking: NewBooking,
  token: string,
  attemptId: string = newId('pay'),
): Promise<PayAnswer | Ended> {
  await recordAttempt(system, booking, attemptId);
  const payment = { attemptId, amount: booking.price.total, method: 'card', token } as const;
  return untilKnown(() => system.workflows.pay(booking.id, payment));
}

/** An attempt's row as the API writes it, made `ageMs` ago. */
export async function recordAttempt(
  { db }: Pick<TestSystem, 'db'>,
  { id: bookingId, price }: NewBooking,
  attemptId: string,
  ageMs = 0,
): Promise<void> {
  const createdAtMs = Date.now() - ageMs;
  const fingerprint = `fingerprint of ${attemptId}`;
  await insertPaymentAttempts(db, [
    { id: attemptId, bookingId, amount: price.total, method: 'card', fingerprint, createdAtMs },
  ]);
}

/** Other seats of the same category, priced as the API would. */
export function seatsAt(show: Show, indices: readonly number[]): { seats: PricedSeat[]; price: NewBooking['price'] } {
  const category = show.categories[0]!;
  return {
    seats: indices.map((index) => ({
      id: `seat-${index}`,
      index,
      label: `Seat ${index}`,
      category: category.id,
      price: category.price,
    })),
    price: priceSeats(
      indices.map(() => category.id),
      show.categories,
    ),
  };
}

/** Resolves with what the booking's workflow ended with. */
export const endOf = (
  { temporal }: Pick<TestSystem, 'temporal'>,
  { id }: Pick<NewBooking, 'id'>,
): Promise<BookingStatus> => temporal.workflow.getHandle(bookingWorkflowId(id)).result() as Promise<BookingStatus>;

/** Resolves with how the late payment was settled. */
export const lateEndOf = (
  { temporal }: Pick<TestSystem, 'temporal'>,
  { id }: Pick<NewBooking, 'id'>,
  attemptId: string,
): Promise<unknown> => temporal.workflow.getHandle(latePaymentWorkflowId(id, attemptId)).result();

/** Resolves once nothing is left to be done for the booking's changes, with the status that the last of them left it with. */
export const changeEndOf = (
  { temporal }: Pick<TestSystem, 'temporal'>,
  { id }: Pick<NewBooking, 'id'>,
): Promise<unknown> => temporal.workflow.getHandle(bookingChangeWorkflowId(id)).result();

export async function rowOf({ db }: Pick<TestSystem, 'db'>, { id }: Pick<NewBooking, 'id'>): Promise<Booking> {
  const [row] = await findBookings(db, [id]);
  if (!row) throw new Error(`booking ${id} has no row`);
  return row;
}

/** A charge at the provider, past all of ours: what a process leaves behind that dies before it tells anybody. */
export async function chargeAtProvider(
  { simulatorUrl }: Pick<TestSystem, 'simulatorUrl'>,
  { id: bookingId, price }: Pick<NewBooking, 'id' | 'price'>,
  attemptId: string,
  token = 'tok_ok',
): Promise<string> {
  const response = await fetch(`${simulatorUrl}/v1/simulator/charges`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': attemptId },
    body: JSON.stringify({ bookingId, amount: price.total, method: 'card', token }),
  });
  const { id } = (await response.json()) as { id: string };
  return id;
}

/** The buyer's decision on the provider's page; answers the provider's reference of the charge. */
export async function decideAtProvider(answer: PayAnswer | Ended, decision: 'approve' | 'decline'): Promise<string> {
  if (answer === 'ended' || answer.outcome !== 'pending' || answer.nextAction.type !== 'redirect') {
    throw new Error(`nothing to decide: ${JSON.stringify(answer)}`);
  }
  const response = await fetch(answer.nextAction.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ decision }),
  });
  const { id } = (await response.json()) as { id: string };
  return id;
}

/** The provider's news of a charge that succeeded, as the API passes it on when it has found the attempt's row. */
export function captured(
  { id: bookingId, price }: Pick<NewBooking, 'id' | 'price'>,
  attemptId: string,
  providerReference: string,
): PaymentNotification {
  return {
    eventId: newId('pay'),
    provider: 'simulator',
    bookingId,
    attemptId,
    amount: price.total,
    atMs: Date.now(),
    outcome: 'succeeded',
    providerReference,
    matchesRecord: true,
  };
}

/** All changes of a booking that are on record, the oldest first. */
export const changesOf = ({ db }: Pick<TestSystem, 'db'>, { id }: Pick<NewBooking, 'id'>) =>
  db
    .selectFrom('booking_changes')
    .selectAll()
    .where('booking_id', '=', id)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
