import { type BookingStatus, hasLiveHold, type PaymentStatus, type RefundStatus } from './booking.ts';
import { isSameMoney, type Money } from './money.ts';
import { type Difference, difference, type JudgedBefore, type Movement } from './reconciliation.ts';

export interface CaseBooking {
  readonly id: string;
  readonly showId: string;
  readonly status: BookingStatus;
  readonly total: Money;
  /** Minor units that the cancellation policy has kept. */
  readonly kept: number;
  /** The attempt that bought it; null before it was confirmed. */
  readonly paidBy: string | null;
  readonly expiresAtMs: number;
  readonly changedAtMs: number;
}

export interface CaseAttempt {
  readonly id: string;
  readonly bookingId: string;
  readonly status: PaymentStatus;
  readonly provider: string | null;
  readonly amount: Money;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface CaseRefund {
  readonly id: string;
  readonly attemptId: string;
  readonly bookingId: string;
  readonly amount: Money;
  readonly status: RefundStatus;
  /** The change that it is of; null: it undoes a purchase. */
  readonly changeId: string | null;
  readonly updatedAtMs: number;
}

/** A change of a booking that promised money back. */
export interface CaseChange {
  readonly id: string;
  readonly bookingId: string;
  /** Minor units. */
  readonly refund: number;
  readonly createdAtMs: number;
}

/** All that the records say of the money of one booking and of those that it was exchanged for. */
export interface MoneyCase {
  /** Id of the first booking of the chain. */
  readonly id: string;
  readonly bookings: readonly CaseBooking[];
  readonly attempts: readonly CaseAttempt[];
  readonly refunds: readonly CaseRefund[];
  readonly changes: readonly CaseChange[];
  readonly movements: readonly Movement[];
  /** Refunds that the provider has taken up and not made yet. */
  readonly pendingRefunds: readonly string[];
  /** A workflow of one of the bookings runs; null: nobody has asked. */
  readonly isAtWork: boolean | null;
  /** One of those is more than late money, which waits for the booking to end and does not end it; null as above. */
  readonly isOwned: boolean | null;
}

/**
 * What the records of a case disagree about; none while anything in it is too young to be judged. Pure: a case that
 * lacks evidence (movements of before the window, workflows that nobody asked about) shows more differences than one
 * with all of it, never fewer.
 */
export function moneyDifferences(records: MoneyCase, before: JudgedBefore): Difference[] {
  if (isMoving(records, before.quietMs)) return [];
  const found = [
    ...records.movements.filter(isCharge).flatMap((charge) => ofCharge(records, charge)),
    ...records.attempts.flatMap((attempt) => ofAttempt(records, attempt, before)),
    ...records.refunds.flatMap((refund) => ofRefund(records, refund)),
    ...records.movements.filter((movement) => !isCharge(movement)).flatMap((refund) => ofMovedBack(records, refund)),
    ...records.attempts.flatMap((attempt) => overCaptured(records, attempt)),
    ...records.bookings.flatMap((booking) => leftBehind(records, booking, before)),
  ];
  const unique = found.filter((each, place) => place === found.findIndex((other) => other.subject === each.subject));
  // Where something is found already, the sum is wrong for that reason.
  const differences = unique.length > 0 ? unique : ofBalance(records);
  return differences.map((each) => ({ ...each, evidence: records.movements }));
}

const isCharge = ({ kind }: Movement): boolean => kind === 'charge';

/** An unresolved attempt is open for as long as it likes: it has a time of its own. */
const isMoving = ({ bookings, attempts, refunds, movements, changes }: MoneyCase, quietMs: number): boolean =>
  bookings.some(({ changedAtMs }) => changedAtMs >= quietMs) ||
  attempts.some(({ updatedAtMs }) => updatedAtMs >= quietMs) ||
  refunds.some(({ updatedAtMs }) => updatedAtMs >= quietMs) ||
  changes.some(({ createdAtMs }) => createdAtMs >= quietMs) ||
  movements.some(({ atMs }) => atMs >= quietMs);

const isOpen = ({ status }: CaseAttempt): boolean => status === 'PENDING' || status === 'UNKNOWN';

// ---- the provider's charges ----

function ofCharge(records: MoneyCase, charge: Movement): Difference[] {
  const attempt = records.attempts.find(({ id }) => id === charge.attemptId);
  const about = aboutCharge(records, charge);
  if (attempt?.status !== 'SUCCEEDED') {
    if (records.isAtWork || isGivenBack(records, charge)) return [];
    const known = records.bookings.some(({ id }) => id === (charge.bookingId ?? attempt?.bookingId));
    return [
      difference({
        ...about,
        kind: 'captured_without_booking',
        needsPerson: !known || charge.attemptId === null,
        detail: `captured at ${charge.provider}; the attempt is ${attempt?.status ?? 'not recorded'}`,
      }),
    ];
  }
  if (attempt.provider !== null && attempt.provider !== charge.provider) return atAnotherProvider(records, charge);
  return differentMoney(attempt.amount, charge.amount, about, 'captured');
}

/** One attempt, captured at both providers: no workflow settles it, whose attempts have one outcome. */
function atAnotherProvider(records: MoneyCase, charge: Movement): Difference[] {
  if (isGivenBack(records, charge)) return [];
  return [
    difference({
      ...aboutCharge(records, charge),
      kind: 'captured_twice',
      subject: `${charge.provider}/${charge.id}`,
      needsPerson: true,
      detail: `the attempt was captured at ${charge.provider} besides the provider that is recorded`,
    }),
  ];
}

const aboutCharge = (records: MoneyCase, charge: Movement) => ({
  subject: charge.attemptId ?? `${charge.provider}/${charge.id}`,
  bookingId: charge.bookingId,
  showId: showOf(records, charge.bookingId),
  attemptId: charge.attemptId,
  found: charge.amount,
});

const isGivenBack = ({ movements }: MoneyCase, charge: Movement): boolean =>
  sum(
    movements.filter(
      (each) => !isCharge(each) && each.attemptId === charge.attemptId && each.provider === charge.provider,
    ),
  ) >= charge.amount.amount;

function differentMoney(
  due: Money,
  found: Money,
  about: Pick<Difference, 'subject' | 'bookingId' | 'showId' | 'attemptId'> & Partial<Difference>,
  what: string,
): Difference[] {
  if (isSameMoney(due, found)) return [];
  const kind = due.currency === found.currency ? 'amount_differs' : 'currency_differs';
  return [difference({ ...about, kind, due, found, detail: `${what}: ${inWords(found)}, recorded: ${inWords(due)}` })];
}

// ---- attempts ----

function ofAttempt(records: MoneyCase, attempt: CaseAttempt, before: JudgedBefore): Difference[] {
  const isCaptured = records.movements.some((each) => isCharge(each) && each.attemptId === attempt.id);
  if (isCaptured) return [];
  const about = {
    subject: attempt.id,
    bookingId: attempt.bookingId,
    showId: showOf(records, attempt.bookingId),
    attemptId: attempt.id,
    due: attempt.amount,
  };
  if (attempt.status === 'SUCCEEDED') {
    const detail = 'recorded as captured; the provider has no such charge';
    return [difference({ ...about, kind: 'booking_without_capture', detail })];
  }
  if (!isOpen(attempt) || attempt.createdAtMs >= before.attemptMs || records.isAtWork) return [];
  return [difference({ ...about, kind: 'attempt_without_outcome', detail: `${attempt.status} past its deadline` })];
}

// ---- refunds ----

function ofRefund(records: MoneyCase, refund: CaseRefund): Difference[] {
  const made = records.movements.filter((each) => !isCharge(each) && each.refundId === refund.id);
  const about = {
    subject: refund.id,
    bookingId: refund.bookingId,
    showId: showOf(records, refund.bookingId),
    attemptId: refund.attemptId,
    refundId: refund.id,
    due: refund.amount,
  };
  if (refund.status === 'FAILED') {
    if (made.length === 0) return [];
    const detail = 'recorded as failed; the provider has made it';
    return [difference({ ...about, kind: 'refund_unknown', found: made[0]!.amount, detail })];
  }
  if (made.length > 1) {
    const found = { ...refund.amount, amount: sum(made) };
    return [difference({ ...about, kind: 'refund_doubled', found, detail: `made ${made.length} times` })];
  }
  if (made.length === 1) {
    const otherMoney = differentMoney(refund.amount, made[0]!.amount, about, 'refunded');
    const isUnfinished = refund.status === 'PENDING' && !records.isAtWork && otherMoney.length === 0;
    const detail = 'recorded as PENDING; the provider has made it, and no workflow of it runs';
    return isUnfinished ? [difference({ ...about, kind: 'refund_unfinished', detail })] : otherMoney;
  }
  if (records.pendingRefunds.includes(refund.id) || records.isAtWork) return [];
  const detail = `recorded as ${refund.status}; the provider has no such refund`;
  return [difference({ ...about, kind: 'refund_missing', detail })];
}

/** What the provider gave back under no refund of ours. Of a charge that is at another provider than recorded: its undoing. */
function ofMovedBack(records: MoneyCase, movement: Movement): Difference[] {
  if (records.refunds.some(({ id }) => id === movement.refundId)) return [];
  const attempt = records.attempts.find(({ id }) => id === movement.attemptId);
  if (attempt?.status !== 'SUCCEEDED' || (attempt.provider !== null && attempt.provider !== movement.provider))
    return [];
  return [
    difference({
      kind: 'refund_unknown',
      subject: movement.refundId ?? `${movement.provider}/${movement.id}`,
      bookingId: movement.bookingId,
      showId: showOf(records, movement.bookingId),
      attemptId: movement.attemptId,
      refundId: movement.refundId,
      found: movement.amount,
      detail: 'made at the provider, and not recorded',
    }),
  ];
}

/** By the records and the provider alike: each refund by itself is in order. */
function overCaptured(records: MoneyCase, attempt: CaseAttempt): Difference[] {
  const captured = records.movements.find((each) => isCharge(each) && each.attemptId === attempt.id);
  const refunds = records.refunds.filter(({ attemptId, status }) => attemptId === attempt.id && status !== 'FAILED');
  const back = sum(refunds);
  if (captured === undefined || back <= captured.amount.amount) return [];
  return [
    difference({
      kind: 'refund_over_captured',
      subject: `${attempt.id}/refunds`,
      bookingId: attempt.bookingId,
      showId: showOf(records, attempt.bookingId),
      attemptId: attempt.id,
      due: captured.amount,
      found: { ...captured.amount, amount: back },
      detail: `${refunds.length} refunds exceed what was captured`,
    }),
  ];
}

// ---- bookings ----

function leftBehind(records: MoneyCase, booking: CaseBooking, before: JudgedBefore): Difference[] {
  if (!hasLiveHold(booking.status) || records.isOwned) return [];
  // While it is being paid, the payment's deadline ends it.
  const isPaying = booking.status === 'PAYMENT_PENDING';
  if (booking.expiresAtMs >= before.holdMs || (isPaying && booking.changedAtMs >= before.attemptMs)) return [];
  return [
    difference({
      kind: 'held_past_expiry',
      subject: booking.id,
      bookingId: booking.id,
      showId: booking.showId,
      detail: `${booking.status}, and no workflow of it runs that would end it`,
    }),
  ];
}

/** Per chain: captured − refunded = price of what is confirmed + what is kept. */
function ofBalance(records: MoneyCase): Difference[] {
  const { bookings, attempts, refunds, changes } = records;
  const captured = attempts.filter(({ status }) => status === 'SUCCEEDED');
  const surplus = sum(captured) - sum(refunds.filter(isCounted)) - owedFor(bookings);
  if (surplus === 0 || records.isAtWork) return [];
  if (surplus > 0) {
    const promised = changes.find((change) => change.refund > sum(refunds.filter((each) => isOf(each, change))));
    if (promised) return [promisedOnly(records, promised)];
    const idle = captured.find((attempt) => boughtNothing(records, attempt));
    if (idle) return [capturedIdle(records, idle)];
  }
  const [first] = bookings;
  const unpaid =
    surplus < 0 && captured.length === 0 ? bookings.find(({ status }) => status === 'CONFIRMED') : undefined;
  if (unpaid) return [confirmedUnpaid(unpaid)];
  const currency = first?.total.currency ?? captured[0]?.amount.currency ?? '';
  const due = { amount: owedFor(bookings), currency };
  const found = { amount: due.amount + surplus, currency };
  return [
    difference({
      kind: 'money_disagrees',
      subject: records.id,
      bookingId: first?.id ?? null,
      showId: first?.showId ?? null,
      due,
      found,
      detail: `paid ${inWords(found)}, to be paid ${inWords(due)}, by the records of ${bookings.length === 1 ? 'one booking' : `${bookings.length} bookings`}`,
    }),
  ];
}

const confirmedUnpaid = ({ id, showId, total }: CaseBooking): Difference =>
  difference({
    kind: 'booking_without_capture',
    subject: id,
    bookingId: id,
    showId,
    due: total,
    detail: 'confirmed, and no payment of it is recorded as captured',
  });

const isCounted = ({ status }: CaseRefund): boolean => status !== 'FAILED';
const isOf = (refund: CaseRefund, change: CaseChange): boolean => refund.changeId === change.id && isCounted(refund);

const owedFor = (bookings: readonly CaseBooking[]): number =>
  bookings.reduce((owed, { status, total, kept }) => owed + kept + (status === 'CONFIRMED' ? total.amount : 0), 0);

function promisedOnly(records: MoneyCase, change: CaseChange): Difference {
  const currency = records.bookings[0]?.total.currency ?? '';
  return difference({
    kind: 'refund_missing',
    subject: change.id,
    bookingId: change.bookingId,
    showId: showOf(records, change.bookingId),
    due: { amount: change.refund, currency },
    found: { amount: sum(records.refunds.filter((each) => isOf(each, change))), currency },
    detail: 'a change promised money back, and less is recorded as refunded',
  });
}

const boughtNothing = ({ bookings, refunds }: MoneyCase, attempt: CaseAttempt): boolean =>
  bookings.every(({ paidBy }) => paidBy !== attempt.id) &&
  sum(refunds.filter((refund) => refund.attemptId === attempt.id && isCounted(refund))) < attempt.amount.amount;

function capturedIdle(records: MoneyCase, attempt: CaseAttempt): Difference {
  const booking = records.bookings.find(({ id }) => id === attempt.bookingId);
  const isSecond = booking !== undefined && booking.paidBy !== null;
  return difference({
    kind: isSecond ? 'captured_twice' : 'captured_without_booking',
    subject: attempt.id,
    bookingId: attempt.bookingId,
    showId: booking?.showId ?? null,
    attemptId: attempt.id,
    found: attempt.amount,
    needsPerson: booking === undefined,
    detail: isSecond ? `the booking was bought by ${booking.paidBy}` : `the booking is ${booking?.status ?? 'unknown'}`,
  });
}

const showOf = ({ bookings }: MoneyCase, bookingId: string | null): string | null =>
  bookings.find(({ id }) => id === bookingId)?.showId ?? null;

const sum = (items: readonly { readonly amount: Money }[]): number =>
  items.reduce((total, { amount }) => total + amount.amount, 0);

const inWords = ({ amount, currency }: Money): string => `${amount} ${currency} (minor units)`;
