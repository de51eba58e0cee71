import type { Money } from './money.ts';

/**
 * What the four records of a sale may disagree about: the provider's books, the bookings' rows, the show workflows, the
 * read model. Where a difference has one right answer, `repair` names what brings it about; where it has none, a person
 * decides, and `operator` says what to look at. One table for the classifier, the report and the runbook.
 */
export const differenceClasses = {
  captured_without_booking: {
    is: 'The provider has captured money that bought nothing and was not given back.',
    repair: 'late_payment',
    operator: 'Where the booking is unknown: give the money back at the provider. Otherwise it settles itself.',
  },
  captured_twice: {
    is: 'Two payments were captured for one booking; one of them bought it, the other was not given back.',
    repair: 'late_payment',
    operator: 'Where one attempt was captured at two providers: give one back in the books of the second.',
  },
  booking_without_capture: {
    is: 'A payment is recorded as captured, and the provider has captured nothing.',
    repair: null,
    operator: 'Ask the provider by the attempt. If there is no money: cancel the booking, or let it stand and bear it.',
  },
  amount_differs: {
    is: 'The provider moved another amount than is recorded.',
    repair: null,
    operator: 'Compare the provider’s receipt; give back what is too much, or ask the buyer for the rest.',
  },
  currency_differs: {
    is: 'The provider moved money in another currency than is recorded.',
    repair: null,
    operator: 'Compare the provider’s receipt; give all of it back, and let the buyer pay anew.',
  },
  attempt_without_outcome: {
    is: 'Nobody knows what became of a payment attempt, long after its deadline.',
    repair: 'sweep',
    operator: 'Ask the provider by the attempt; the sweep does so every 15 seconds, its log says what keeps it.',
  },
  refund_missing: {
    is: 'A refund is promised or recorded, and the provider knows nothing of it.',
    repair: 'refund',
    operator: 'Look at the pending activity of the booking’s workflows, and at the provider for why it refuses.',
  },
  refund_unfinished: {
    is: 'A refund was made at the provider, is recorded as under way, and no workflow looks after it.',
    repair: 'refund',
    operator: 'Nothing, unless it comes again: its workflow was terminated by somebody.',
  },
  refund_doubled: {
    is: 'The provider has made one refund twice.',
    repair: null,
    operator: 'The buyer has too much money: settle it with the provider, who has answered one key twice.',
  },
  refund_unknown: {
    is: 'The provider has made a refund that is not recorded, or is recorded as failed.',
    repair: null,
    operator: 'Somebody gave money back at the provider: find out who, and cancel the booking if that was meant.',
  },
  refund_over_captured: {
    is: 'More was given back for a payment than it had captured.',
    repair: null,
    operator: 'The buyer has too much money: settle it with the provider.',
  },
  money_disagrees: {
    is: 'What is captured less what is refunded is not the price of what is confirmed and what is kept.',
    repair: null,
    operator: 'Read the payments, refunds and changes of the booking; cancel it, or refund by hand what is too much.',
  },
  held_past_expiry: {
    is: 'A booking is held or being paid by its row, past its time, and no workflow looks after it.',
    repair: 'end_booking',
    operator: 'Nothing, unless it comes again: its workflow was terminated by somebody.',
  },
  hold_without_booking: {
    is: 'A show holds seats for a booking that has ended, or past the hold’s time.',
    repair: 'release_hold',
    operator: 'Nothing, unless it comes again: then look at the show’s workflow and its worker.',
  },
  seat_in_show_only: {
    is: 'A show has seats booked for a booking that is not confirmed with them.',
    repair: 'return_seats',
    operator: 'Nothing, unless it comes again.',
  },
  seat_in_rows_only: {
    is: 'A row says that a seat is booked for a booking that is not confirmed with it.',
    repair: 'delete_seat_rows',
    operator: 'Nothing, unless it comes again.',
  },
  seat_row_missing: {
    is: 'A confirmed booking’s seat has no row in the table of booked seats.',
    repair: 'insert_seat_rows',
    operator: 'Nothing, unless it comes again.',
  },
  seat_not_in_show: {
    is: 'A confirmed booking’s seats are not booked in its show.',
    repair: 'confirm_seats',
    operator: 'If another booking has them: one seat is sold to two; cancel one of the bookings.',
  },
  seat_sold_twice: {
    is: 'Two confirmed bookings have one seat.',
    repair: null,
    operator: 'Cancel one of them: the one that the show does not name as the seat’s owner.',
  },
  seat_map_differs: {
    is: 'Readers see another seat map than the show has.',
    repair: 'project_map',
    operator: 'Nothing, unless it comes again: then look at the projection of the show’s workflow.',
  },
  event_never_sent: {
    is: 'A message about a booking was not handed on long after it was written.',
    repair: 'resend',
    operator: 'See whether the relay runs, and why the message was put aside.',
  },
  stuck_workflow: {
    is: 'A step of a workflow keeps failing.',
    repair: null,
    operator: 'Its pending activity in the Temporal UI says what it waits for; it goes on by itself when that is well.',
  },
} as const satisfies Record<string, DifferenceClassSpec>;

interface DifferenceClassSpec {
  readonly is: string;
  readonly repair: string | null;
  readonly operator: string;
}

export type DifferenceClass = keyof typeof differenceClasses;
export type Repair = NonNullable<(typeof differenceClasses)[DifferenceClass]['repair']>;

/** A movement of money in a provider's books: a charge that was captured, or a refund that was made. */
export interface Movement {
  /** The provider's own id of the charge or the refund. */
  readonly id: string;
  readonly provider: string;
  readonly kind: 'charge' | 'refund';
  /** As the charge was made with; null where the provider's books do not tell. */
  readonly bookingId: string | null;
  /** Of the charge that was made, or that is given back. */
  readonly attemptId: string | null;
  /** Null of charges, and of refunds that were not asked for by us. */
  readonly refundId: string | null;
  readonly amount: Money;
  readonly atMs: number;
}

/** One disagreement. `kind` and `subject` name it: found again, it is the same one. */
export interface Difference {
  readonly kind: DifferenceClass;
  /** What it is about, in its class: an attempt, a refund, a booking of a show, … */
  readonly subject: string;
  readonly bookingId: string | null;
  readonly showId: string | null;
  readonly attemptId: string | null;
  readonly refundId: string | null;
  /** Indices, where it is about seats. */
  readonly seats: readonly number[];
  /** Minor units with their currency, where it is about money: as recorded or due, and as found. */
  readonly due: Money | null;
  readonly found: Money | null;
  /** What the providers' books say of the case: not everything in them is found again by its key. */
  readonly evidence: readonly Movement[];
  /** In words, for a person. */
  readonly detail: string;
  /** No actor can settle this one, though others of its class may be. */
  readonly needsPerson: boolean;
}

export type DifferenceKey = Pick<Difference, 'kind' | 'subject'>;

export const isSameDifference = (a: DifferenceKey, b: DifferenceKey): boolean =>
  a.kind === b.kind && a.subject === b.subject;

/** Met on several ways, as one of its booking and one of its show, it is still one. */
export const onlyOnce = (differences: readonly Difference[]): readonly Difference[] => [
  ...new Map(differences.map((each) => [`${each.kind} ${each.subject}`, each])).values(),
];

type Named = DifferenceKey & Pick<Difference, 'detail'> & Partial<Difference>;

export const difference = (named: Named): Difference => ({
  bookingId: null,
  showId: null,
  attemptId: null,
  refundId: null,
  seats: [],
  due: null,
  found: null,
  evidence: [],
  needsPerson: differenceClasses[named.kind].repair === null,
  ...named,
});

/** Times before which things count as settled, Unix ms. Younger ones may be under way. */
export interface JudgedBefore {
  /** A record that has changed since may be about to change in the others. */
  readonly quietMs: number;
  /** An attempt to pay made since may yet have an outcome by itself. */
  readonly attemptMs: number;
  /** A hold that ends since may yet be ended by its timer. */
  readonly holdMs: number;
}
