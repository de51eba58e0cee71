import {
  CancellationScope,
  condition,
  continueAsNew,
  defineSignal,
  log,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import {
  bookingMessages,
  type GivenBackBecause,
  type LatePaymentInput,
  type Refund,
} from '../src/contracts/booking-messages.ts';
import { attemptKnowledge, capturedOtherwise, type FinalOutcome, isFinal } from '../src/contracts/charge-outcomes.ts';
import type { PaymentNotification } from '../src/contracts/payments.ts';
import { type Booking, hasLiveHold } from '../src/domain/booking.ts';
import type { PaymentAttempt } from '../src/domain/booking-process.ts';
import { isSameMoney, type Money } from '../src/domain/money.ts';
import { comparesNotices, fromNotification, isBelieved, logCapturedOtherwise } from './payment-notices.ts';
import { refundAttempt } from './refund.ts';
import { durably, growingIntervals } from './steps.ts';

export const paymentNotification = defineSignal<[PaymentNotification]>(bookingMessages.paymentNotification);

/** The provider is asked in growing intervals; its webhook usually comes first. */
const POLL_INTERVAL_MIN_MS = 2_000;
const POLL_INTERVAL_MAX_MS = 5 * 60_000;
/**
 * A charge of ours may be under way for so long. After it, one that the provider does not know or that waits for its
 * buyer is voided; one that is with a bank can't be recalled, and is waited for.
 */
const VOID_AFTER_MS = 5_000;
/** The booking's own workflow is about to end, or goes on with another payment; its row tells. */
const BOOKING_POLL_MIN_MS = 1_000;
const BOOKING_POLL_MAX_MS = 30_000;
/** A row that says so long after its hold's end that seats are held was left behind: its workflow was terminated. */
const LEFT_BEHIND_AFTER_MS = 60 * 60_000;

type LateEnding = 'confirmed' | 'refunded' | 'not_charged';

/** What the provider has told by itself. */
interface News {
  believed: PaymentNotification | undefined;
  /** Something was told that is not believed: time to ask. */
  doubtful: boolean;
}

/**
 * Settles one payment whose booking has ended, or ends without it: the seats if they are all still free, the money back
 * if not. Ends when that is done; its result says which. Cancelling it has no effect: the money must go somewhere.
 */
export async function latePaymentWorkflow(input: LatePaymentInput): Promise<LateEnding> {
  const news: News = { believed: undefined, doubtful: false };
  setHandler(paymentNotification, (notice) => {
    if (isBelieved(notice)) news.believed ??= notice;
    else news.doubtful = true;
  });
  return CancellationScope.nonCancellable(async () => {
    const ending = await settle(input, news);
    setCurrentDetails(`**${ending}**`);
    return ending;
  });
}

async function settle(input: LatePaymentInput, news: News): Promise<LateEnding> {
  const recorded = await recordOf(input, news);
  const outcome = await knownOutcome(input, news, recorded !== null);
  if (outcome.status === 'not_found' || changesNothing(input, recorded, outcome)) return 'not_charged';
  const attempt = attemptWith(input, outcome, recorded?.amount);
  await durably('recordAttempt', input.booking.id, attempt, null);

  const booking = await endedBooking(input);
  if (outcome.status !== 'succeeded') {
    await recordFailure(booking, attempt);
    return 'not_charged';
  }
  const because = isFor(booking, outcome) ? await buysTheSeats(booking, attempt) : 'amount_differs';
  if (because === null) return 'confirmed';
  const isBack = await refundAttempt(booking.id, attempt, (refund) => recordRefund(booking, attempt, refund, because));
  return isBack ? 'refunded' : 'not_charged';
}

interface Recorded {
  readonly amount: Money;
  /** It is known already that nothing was charged. */
  readonly hasFailed: boolean;
}

/** The attempt as it was made durable; null if this booking has no such attempt, whatever a notice says. */
async function recordOf({ booking, attemptId, ...input }: LatePaymentInput, news: News): Promise<Recorded | null> {
  if (news.believed) return { amount: news.believed.amount, hasFailed: false };
  if (input.isRecorded || !comparesNotices()) return { amount: input.amount, hasFailed: false };
  const recorded = await durably('findAttempt', attemptId);
  if (recorded?.bookingId !== booking.id) return null;
  return { amount: recorded.amount, hasFailed: recorded.status === 'DECLINED' || recorded.status === 'FAILED' };
}

/** What was only asked for because of a notice that is not believed, and turns out to be as it was known before. */
function changesNothing(input: LatePaymentInput, recorded: Recorded | null, outcome: FinalOutcome): boolean {
  if (recorded) return recorded.hasFailed && outcome.status !== 'succeeded';
  if (outcome.status !== 'succeeded') return true;
  // Without a record only the provider's books tell whose money it is.
  const isOurs = outcome.captured !== undefined && isFor(input.booking, outcome);
  log.error('the provider has captured a payment that nobody has asked for', {
    alert: 'payment_without_attempt',
    attemptId: input.attemptId,
    captured: outcome.captured,
    isOurs,
  });
  return !isOurs;
}

const isFor = ({ id }: Pick<Booking, 'id'>, { captured }: FinalOutcome & { status: 'succeeded' }): boolean =>
  captured === undefined || captured.bookingId === id;

/** With the money that was captured, whatever was asked for: that much buys the seats, or goes back. */
function attemptWith({ booking, attemptId, ...input }: LatePaymentInput, outcome: FinalOutcome, asked = input.amount) {
  const otherwise = capturedOtherwise(outcome, { bookingId: booking.id, amount: asked });
  if (otherwise) logCapturedOtherwise(attemptId, asked, otherwise);
  const attempt: PaymentAttempt = { id: attemptId, amount: otherwise?.amount ?? asked, ...attemptKnowledge(outcome) };
  return attempt;
}

/**
 * Waits for certainty: the provider's notice, its answer when asked, or the void of a charge that never came to an end.
 * One that has no record, and that the provider does not know either, is not under way: nobody charges unrecorded.
 */
async function knownOutcome(
  input: LatePaymentInput,
  news: News,
  isRecorded: boolean,
): Promise<FinalOutcome | { readonly status: 'not_found' }> {
  const voidFromMs = Date.now() + VOID_AFTER_MS;
  const nextIntervalMs = growingIntervals(POLL_INTERVAL_MIN_MS, POLL_INTERVAL_MAX_MS);
  let mayBeUnderWay = isRecorded;
  for (;;) {
    if (news.believed) return fromNotification(news.believed);
    await startAnewWhenLong(input);
    news.doubtful = false;
    const isVoided = mayBeUnderWay && Date.now() >= voidFromMs;
    const found = await durably(isVoided ? 'voidCharge' : 'findCharge', input.attemptId);
    if (found.status !== 'not_found' && isFinal(found)) return found;
    if (found.status === 'not_found' && !mayBeUnderWay) return found;
    mayBeUnderWay ||= found.status === 'pending';
    await condition(() => news.believed !== undefined || news.doubtful, nextIntervalMs());
  }
}

/** The booking as it ended. Its workflow's last act is to write the row, also where nobody had written it before. */
async function endedBooking(input: LatePaymentInput): Promise<Booking> {
  const nextIntervalMs = growingIntervals(BOOKING_POLL_MIN_MS, BOOKING_POLL_MAX_MS);
  for (;;) {
    const row = await durably('loadBooking', input.booking.id);
    if (row && !hasLiveHold(row.status)) return row;
    if (row && Date.now() > row.expiresAtMs + LEFT_BEHIND_AFTER_MS) return { ...row, status: 'EXPIRED' };
    await startAnewWhenLong(input);
    await sleep(nextIntervalMs(), { summary: 'the booking has not ended yet' });
  }
}

/** What is known is found again by asking: a history of waiting need not be kept. */
async function startAnewWhenLong(input: LatePaymentInput): Promise<void> {
  if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof latePaymentWorkflow>(input);
}

/**
 * Null when this payment buys the seats, or has bought them before: a provider may tell of it more than once. Otherwise why
 * it does not.
 */
async function buysTheSeats(booking: Booking, attempt: PaymentAttempt): Promise<GivenBackBecause | null> {
  if (booking.bookingNumber === null) {
    if (!isStillWanted(booking, attempt)) return 'seats_gone';
    const taken = await durably('confirmSeats', booking, { reclaim: true });
    if (!taken.ok) return taken.refusal === 'SALES_CLOSED' ? 'show_cancelled' : 'seats_gone';
  }
  const paid = changed(booking, { payment: { status: 'SUCCEEDED' } });
  // Of a booking that was confirmed before nothing is written: the answer tells whose money bought it.
  const recorded = await durably('recordConfirmed', paid, attempt);
  if (recorded.kind === 'seat_taken') await durably('returnSeats', { showId: booking.showId, bookingId: booking.id });
  if (recorded.kind === 'recorded') return null;
  return recorded.kind === 'paid_by' ? 'paid_twice' : 'seats_gone';
}

/** Expired, at this price, and nothing given back: money that is on its way back buys nothing any more. */
const isStillWanted = ({ status, refund, price }: Booking, { amount }: PaymentAttempt): boolean =>
  status === 'EXPIRED' && refund === null && isSameMoney(amount, price.total);

/** The refund shows in the booking, unless the booking was confirmed by another payment. */
async function recordRefund(
  booking: Booking,
  attempt: PaymentAttempt,
  refund: Refund,
  because: GivenBackBecause,
): Promise<void> {
  const of = { showId: booking.showId, because };
  if (booking.bookingNumber !== null) return durably('recordAttempt', booking.id, attempt, refund, of);
  const { amount, status } = refund;
  const refunded = changed(booking, { payment: { status: attempt.status }, refund: { amount, status } });
  await durably('amendBooking', refunded, attempt, refund, because);
}

/** A booking that was given up with its payment in doubt shows that nothing came of it. */
async function recordFailure(booking: Booking, attempt: PaymentAttempt): Promise<void> {
  if (booking.bookingNumber !== null || booking.refund !== null) return;
  const settled = changed(booking, { payment: { status: attempt.status } });
  await durably('amendBooking', settled, attempt, null);
}

function changed(booking: Booking, change: Pick<Booking, 'payment'> & Partial<Pick<Booking, 'refund'>>): Booking {
  const changedAtMs = Math.max(Date.now(), booking.changedAtMs);
  return { ...booking, ...change, version: booking.version + 1, changedAtMs };
}
