import { condition, defineSignal, setCurrentDetails, setHandler, sleep } from '@temporalio/workflow';
import { bookingMessages, type LatePaymentInput, type Refund } from '../src/contracts/booking-messages.ts';
import type { ChargeOutcome, PaymentNotification } from '../src/contracts/payments.ts';
import { type Booking, hasLiveHold } from '../src/domain/booking.ts';
import type { PaymentAttempt } from '../src/domain/booking-process.ts';
import { attemptKnowledge, type FinalOutcome, fromNotification, isFinal } from './charge-outcomes.ts';
import { refundAttempt } from './refund.ts';
import { durably } from './steps.ts';

export const paymentNotification = defineSignal<[PaymentNotification]>(bookingMessages.paymentNotification);

/** The provider is asked in growing intervals; its webhook usually comes first. */
const POLL_INTERVAL_MIN_MS = 2_000;
const POLL_INTERVAL_MAX_MS = 5 * 60_000;
/** A charge the provider has never heard of for so long is voided: nothing of it can come any more. */
const VOID_AFTER_MS = 60_000;
/** The booking's own workflow may be about to end; its row tells. */
const BOOKING_POLL_MS = 1_000;

/**
 * Settles one payment whose booking has ended, or ends without it: the seats if they are all still free, the money back
 * if not. Ends when that is done; its result says which.
 */
export async function latePaymentWorkflow(input: LatePaymentInput): Promise<'confirmed' | 'refunded' | 'not_charged'> {
  let notice: PaymentNotification | undefined;
  setHandler(paymentNotification, (news) => {
    notice ??= news;
  });

  const outcome = await knownOutcome(input.attemptId, () => notice);
  const attempt: PaymentAttempt = { id: input.attemptId, amount: input.amount, ...attemptKnowledge(outcome) };
  await durably('recordAttempt', input.booking.id, attempt, null);
  if (outcome.status !== 'succeeded') return ending('not_charged');

  const booking = await endedBooking(input);
  if (booking.status === 'EXPIRED' && (await confirmAfterAll(booking, attempt))) return ending('confirmed');
  await refundAttempt(booking.id, attempt, (refund) => recordRefund(booking, attempt, refund));
  return ending('refunded');
}

/** Waits for certainty: the provider's notice, its answer when asked, or the void of a charge it never heard of. */
async function knownOutcome(attemptId: string, notice: () => PaymentNotification | undefined): Promise<FinalOutcome> {
  const startedAtMs = Date.now();
  for (let intervalMs = POLL_INTERVAL_MIN_MS; ; intervalMs = Math.min(intervalMs * 2, POLL_INTERVAL_MAX_MS)) {
    const news = notice();
    if (news) return fromNotification(news);
    const found = await durably('findCharge', attemptId);
    const outcome: ChargeOutcome | null = found.status === 'not_found' ? null : found;
    if (outcome && isFinal(outcome)) return outcome;
    if (!outcome && Date.now() - startedAtMs >= VOID_AFTER_MS) {
      const voided = await durably('voidCharge', attemptId);
      if (isFinal(voided)) return voided;
    }
    await condition(() => notice() !== undefined, intervalMs);
  }
}

/** The booking as it ended; one that never got a row is taken as it was made. */
async function endedBooking({ booking }: LatePaymentInput): Promise<Booking> {
  for (;;) {
    const row = await durably('loadBooking', booking.id);
    if (!row) {
      return {
        ...booking,
        status: 'EXPIRED',
        version: 1,
        bookingNumber: null,
        payment: null,
        refund: null,
        asCreated: null,
      };
    }
    if (!hasLiveHold(row.status)) return row;
    await sleep(BOOKING_POLL_MS, { summary: 'the booking has not ended yet' });
  }
}

/** True when this payment bought the seats. A booking that another payment has confirmed keeps that one. */
async function confirmAfterAll(booking: Booking, attempt: PaymentAttempt): Promise<boolean> {
  const taken = await durably('confirmSeats', booking, { reclaim: true });
  if (!taken.ok) return false;
  const paid: Booking = { ...booking, version: booking.version + 1, payment: { status: 'SUCCEEDED' } };
  const recorded = await durably('recordConfirmed', paid, attempt);
  if (recorded.kind === 'seat_taken') await durably('returnSeats', { showId: booking.showId, bookingId: booking.id });
  return recorded.kind === 'recorded';
}

/** The refund shows in the booking, unless the booking was confirmed by another payment. */
async function recordRefund(booking: Booking, attempt: PaymentAttempt, refund: Refund): Promise<void> {
  if (booking.status === 'CONFIRMED') return durably('recordAttempt', booking.id, attempt, refund);
  const { amount, status } = refund;
  const version = booking.version + (status === 'PENDING' ? 1 : 2);
  const refunded: Booking = { ...booking, version, payment: { status: attempt.status }, refund: { amount, status } };
  await durably('recordBooking', refunded, attempt, refund);
}

function ending<Ending extends string>(how: Ending): Ending {
  setCurrentDetails(`**${how}**`);
  return how;
}
