import type { ColumnType, Generated, Insertable, Selectable } from 'kysely';
import type { BookingChangeKind } from '../contracts/change-messages.ts';
import type { ShowChangeKind } from '../contracts/show-changes.ts';
import type {
  ReconciliationCounts,
  ReconciliationMode,
  ReconciliationPhase,
  RunStatus,
} from '../contracts/reconciliation.ts';
import type { OptOut } from '../contracts/opt-outs.ts';
import type { BookingStatus, PaymentMethod, PaymentStatus, PricedSeat, RefundStatus } from '../domain/booking.ts';
import type { Language } from '../domain/language.ts';
import type { AppliedTier, CancellationPolicy } from '../domain/cancellation-policy.ts';
import type { Money } from '../domain/money.ts';
import type { CategoryPrice, Price } from '../domain/pricing.ts';
import type { Difference } from '../domain/reconciliation.ts';
import type { SeatLayout } from '../domain/seat-layout.ts';
import type { SeatingPlan } from '../domain/seating-plan.ts';

/**
 * The tables as Kysely sees them. Rows stay inside this folder: its functions give and take domain types. Times are
 * `timestamptz`, read as Date; amounts are integer minor units; `bigint` is read as a number (all below 2^53).
 */
export interface Tables {
  users: UsersTable;
  refresh_tokens: RefreshTokensTable;
  cities: CitiesTable;
  theatres: TheatresTable;
  screens: ScreensTable;
  seating_plans: SeatingPlansTable;
  movies: MoviesTable;
  shows: ShowsTable;
  show_changes: ShowChangesTable;
  show_change_bookings: ShowChangeBookingsTable;
  seat_map_snapshots: SeatMapSnapshotsTable;
  bookings: BookingsTable;
  booked_seats: BookedSeatsTable;
  payments: PaymentsTable;
  refunds: RefundsTable;
  provider_references: ProviderReferencesTable;
  booking_changes: BookingChangesTable;
  outbox: OutboxTable;
  outbox_deliveries: OutboxDeliveriesTable;
  outbox_parked: OutboxParkedTable;
  webhook_endpoints: WebhookEndpointsTable;
  webhook_events: WebhookEventsTable;
  idempotency_answers: IdempotencyAnswersTable;
  reconciliation_runs: ReconciliationRunsTable;
  reconciliation_findings: ReconciliationFindingsTable;
  reconciliation_run_findings: ReconciliationRunFindingsTable;
  ticket_admissions: TicketAdmissionsTable;
  account_claims: AccountClaimsTable;
  notifications_sent: NotificationsSentTable;
  booking_reminders: BookingRemindersTable;
  show_reminders: ShowRemindersTable;
}

/** A value kept as `jsonb`, written as JSON text (the driver would write an array as a Postgres array). */
type Json<T> = ColumnType<T, string, string>;
type Immutable<T> = ColumnType<T, T, never>;

export interface UsersTable {
  id: Immutable<string>;
  role: string;
  email: string | null;
  phone: string | null;
  locale: Generated<Language>;
  opt_outs: Generated<OptOut[]>;
  /** Of the device that short notices go to. */
  push_token: Generated<string | null>;
  created_at: Immutable<Date>;
}

export interface RefreshTokensTable {
  /** SHA-256 of the token: the token itself is never stored. */
  hash: Immutable<string>;
  user_id: Immutable<string>;
  family: Immutable<string>;
  expires_at: Immutable<Date>;
}

export interface CitiesTable {
  id: Immutable<string>;
  name: string;
  country: string;
  zone: string;
  lat: number;
  lng: number;
  population: number;
}

export interface TheatresTable {
  id: Immutable<string>;
  city_id: Immutable<string>;
  name: string;
  address: string | null;
  lat: number;
  lng: number;
  /** Null: the default. */
  cancellation_policy: ColumnType<CancellationPolicy | null, string | null | undefined, string | null>;
}

export interface ScreensTable {
  id: Immutable<string>;
  theatre_id: Immutable<string>;
  name: string;
}

/** Never updated: a changed plan is a new one. */
export interface SeatingPlansTable {
  id: Immutable<string>;
  name: Immutable<string>;
  plan: ColumnType<SeatingPlan, string, never>;
  layout: ColumnType<SeatLayout, string, never>;
  seat_count: Immutable<number>;
  created_at: Immutable<Date>;
}

export interface MoviesTable {
  id: Immutable<string>;
  title: string;
  genres: string[];
  duration_minutes: number | null;
  certificate: string | null;
  director: string | null;
  /** A calendar date, `2009-12-18`. */
  released_on: string | null;
  created_at: Immutable<Date>;
}

export interface ShowsTable {
  id: Immutable<string>;
  movie_id: string;
  theatre_id: Immutable<string>;
  screen_id: Immutable<string>;
  seating_plan_id: Immutable<string>;
  starts_at: Date;
  ends_at: Date;
  sales_open_at: Date;
  sales_close_at: Date;
  language: string;
  format: string;
  cancelled_at: ColumnType<Date | null, Date | null | undefined, Date | null>;
  categories: Json<readonly CategoryPrice[]>;
  overlap_overridden: boolean;
  created_at: Immutable<Date>;
  /** Counts what staff changes. */
  version: Generated<number>;
  cancel_reason: ColumnType<string | null, string | null | undefined, string | null>;
  /** When it was last moved: who has bought before may take the money back until `full_refund_until`. */
  moved_at: ColumnType<Date | null, Date | null | undefined, Date | null>;
  full_refund_until: ColumnType<Date | null, Date | null | undefined, Date | null>;
}

/** Never deleted: who has changed what, and when it was done. */
export interface ShowChangesTable {
  show_id: Immutable<string>;
  /** That the show has by it. */
  show_version: Immutable<number>;
  kind: Immutable<ShowChangeKind>;
  requested_by: Immutable<string>;
  from_starts_at: Immutable<Date>;
  to_starts_at: Immutable<Date>;
  full_refund_until: Immutable<Date | null>;
  created_at: Immutable<Date>;
  /** Null while its effects are under way. */
  done_at: ColumnType<Date | null, Date | null | undefined, Date | null>;
}

/** The bookings that were told of a change. */
export interface ShowChangeBookingsTable {
  show_id: Immutable<string>;
  show_version: Immutable<number>;
  booking_id: Immutable<string>;
}

export interface SeatMapSnapshotsTable {
  show_id: Immutable<string>;
  version: number;
  as_of: Date;
  /** One character a seat in index order: `a`, `h`, `b`, `x`. */
  statuses: string;
  available: number;
  total: number;
}

export interface BookingsTable {
  id: Immutable<string>;
  booking_number: string | null;
  show_id: Immutable<string>;
  user_id: string;
  city_id: Immutable<string>;
  status: BookingStatus;
  seats: Json<readonly PricedSeat[]>;
  price: Json<Price>;
  items: Json<readonly unknown[]>;
  fingerprint: Immutable<string>;
  held_at: Immutable<Date>;
  expires_at: Date;
  version: number;
  /** By the clock of the workflow that changed it: of two records of a booking the later one counts. */
  changed_at: Date;
  payment_status: PaymentStatus | null;
  /** The attempt that paid; set once, by the confirmation. A second late payment finds it taken. */
  payment_id: string | null;
  refund: ColumnType<{ amount: Money; status: RefundStatus } | null, string | null, string | null>;
  as_created: Json<{ seats: readonly PricedSeat[]; price: Price; expiresAtMs: number } | null>;
  /** Of its theatre when it was made; null: the default. */
  cancellation_policy: ColumnType<CancellationPolicy | null, string | null, never>;
  kept_amount: Generated<number>;
  /** The first booking of its exchanges; null: itself. */
  chain_id: Immutable<string | null>;
  /** The booking that it is exchanged for; null: bought by itself. */
  exchange_of: Generated<string | null>;
  /** Of the ticket that is good: raised when it changes hands or loses seats. */
  ticket_version: Generated<number>;
  updated_at: Date;
}

/** Live rows only: a seat that goes back on sale loses its row first. */
export interface BookedSeatsTable {
  show_id: Immutable<string>;
  seat_id: Immutable<string>;
  booking_id: string;
}

export interface PaymentsTable {
  /** The attempt's id, `pay_…`: the idempotency key at the provider. */
  id: Immutable<string>;
  booking_id: Immutable<string>;
  status: PaymentStatus;
  provider: string | null;
  provider_reference: string | null;
  method: PaymentMethod | null;
  amount: Immutable<number>;
  currency: Immutable<string>;
  failure_reason: string | null;
  /** Digest of the request's body; null for attempts that only a provider's notice told of. */
  fingerprint: string | null;
  /** Set just before a provider is first asked to charge. */
  sent_at: Generated<Date | null>;
  /** When the sweep last looked at it. */
  swept_at: Generated<Date | null>;
  created_at: Immutable<Date>;
  updated_at: Date;
}

export interface ProviderReferencesTable {
  key: string;
  provider: string;
  reference: string;
  created_at: Generated<Date>;
}

export interface RefundsTable {
  id: Immutable<string>;
  payment_id: Immutable<string>;
  booking_id: Immutable<string>;
  amount: Immutable<number>;
  currency: Immutable<string>;
  status: RefundStatus;
  provider_reference: string | null;
  /** The change of the booking that it belongs to; null: a payment that bought nothing. */
  change_id: ColumnType<string | null, string | null | undefined, never>;
  /** FAILED, and no other one follows: the provider says that it never had the money. */
  nothing_captured: Generated<boolean>;
  created_at: Immutable<Date>;
  updated_at: Date;
}

/** Never updated, never deleted. */
export interface BookingChangesTable {
  id: Immutable<string>;
  booking_id: Immutable<string>;
  kind: Immutable<BookingChangeKind>;
  requested_by: Immutable<string>;
  reason: Immutable<string | null>;
  seat_ids: Immutable<string[]>;
  /** Their indices in the show. */
  seats: Immutable<number[]>;
  tier: ColumnType<AppliedTier | null, string | null, never>;
  refund_amount: Immutable<number>;
  kept_amount: Immutable<number>;
  currency: Immutable<string>;
  other_booking_id: Immutable<string | null>;
  created_at: Immutable<Date>;
}

export interface OutboxTable {
  id: Generated<number>;
  booking_id: Immutable<string>;
  type: Immutable<string>;
  payload: ColumnType<Record<string, unknown>, string, never>;
  created_at: ColumnType<Date, Date | undefined, never>;
  /** When its deliveries were made; null until then. */
  relayed_at: Generated<Date | null>;
}

/** What a consumer has not accepted yet. Those of one booking and queue are handed over in the order of their events. */
export interface OutboxDeliveriesTable {
  booking_id: Immutable<string>;
  /** The consumer's name; of a partner's endpoint `webhook/` and its id. */
  queue: Immutable<string>;
  event_id: Immutable<number>;
  /** Part of the relay's work, by the booking: one process at a time has it. */
  lane: Immutable<number>;
  due_at: Date;
  tries: Generated<number>;
  first_failed_at: Generated<Date | null>;
  last_error: Generated<string | null>;
}

/** Deliveries that were given up, for an operator to look at and to send again. */
export interface OutboxParkedTable {
  id: Generated<number>;
  booking_id: Immutable<string>;
  queue: Immutable<string>;
  event_id: Immutable<number>;
  lane: Immutable<number>;
  tries: Immutable<number>;
  last_error: Immutable<string>;
  first_failed_at: Immutable<Date>;
  parked_at: Immutable<Date>;
}

export interface WebhookEndpointsTable {
  id: Immutable<string>;
  url: Immutable<string>;
  /** Deliveries are signed with it, so it is kept as it is. */
  secret: Immutable<string>;
  description: Immutable<string | null>;
  /** Null: all. */
  event_types: Immutable<readonly string[] | null>;
  enabled: boolean;
  /** Since when every delivery has failed; null while some succeed. */
  failing_since: Generated<Date | null>;
  disabled_because: Generated<string | null>;
  created_at: Immutable<Date>;
}

export interface WebhookEventsTable {
  provider: Immutable<string>;
  event_id: Immutable<string>;
  received_at: ColumnType<Date, Date | undefined, never>;
  body: ColumnType<unknown, string, never>;
  booking_id: string | null;
  effect: string;
}

export interface IdempotencyAnswersTable {
  /** Caller and route. */
  scope: Immutable<string>;
  key: Immutable<string>;
  fingerprint: Immutable<string>;
  status: Immutable<number>;
  headers: ColumnType<Record<string, string>, string, never>;
  body: ColumnType<unknown, string, never>;
  created_at: ColumnType<Date, Date | undefined, never>;
}

/** Accounts that came with a booking, and were opened. */
export interface AccountClaimsTable {
  user_id: Immutable<string>;
  claimed_at: Generated<Date>;
}

export interface TicketAdmissionsTable {
  booking_id: Immutable<string>;
  first_admitted_at: Generated<Date>;
  /** The user at the door. */
  first_admitted_by: Immutable<string>;
  /** How often the ticket was shown, the first time included. */
  scans: Generated<number>;
}

/** A message that was sent, or that nobody is to get, and why. */
export interface NotificationsSentTable {
  event_id: Immutable<number>;
  channel: Immutable<string>;
  user_id: Immutable<string>;
  outcome: 'SENT' | 'SKIPPED';
  reason: string | null;
  sent_at: Generated<Date>;
}

export interface BookingRemindersTable {
  booking_id: Immutable<string>;
  /** Of which start: who was reminded of another one before is reminded again. */
  starts_at: Immutable<Date>;
  reminded_at: Generated<Date>;
}

/** Nothing is left to be done for that start of the show. */
export interface ShowRemindersTable {
  show_id: Immutable<string>;
  starts_at: Immutable<Date>;
}

export interface ReconciliationRunsTable {
  id: Immutable<string>;
  from_at: Immutable<Date>;
  to_at: Immutable<Date>;
  mode: Immutable<ReconciliationMode>;
  started_by: Immutable<string>;
  status: RunStatus;
  phase: ReconciliationPhase;
  done_until: ColumnType<Date | null, never, Date | null>;
  counts: Json<ReconciliationCounts>;
  stopped_because: ColumnType<string | null, never, string | null>;
  started_at: Generated<Date>;
  ended_at: ColumnType<Date | null, never, Date | null>;
}

/** One row a difference, whatever the number of runs that meet it. */
export interface ReconciliationFindingsTable {
  kind: Immutable<string>;
  subject: Immutable<string>;
  state: 'OPEN' | 'REPAIRED' | 'RESOLVED';
  booking_id: string | null;
  show_id: string | null;
  attempt_id: string | null;
  refund_id: string | null;
  seats: number[];
  due: Json<Money | null>;
  found: Json<Money | null>;
  evidence: Json<Difference['evidence']>;
  detail: string;
  needs_person: boolean;
  /** When a person was called for it. */
  called_at: Date | null;
  /** What reconciliation has done about it since it was last opened. */
  done: string | null;
  first_run_id: Immutable<string>;
  last_run_id: string;
  runs: number;
  first_seen_at: Immutable<Date>;
  last_seen_at: Date;
  ended_at: Date | null;
}

/** The reports: what each run has found, as it was then. */
export interface ReconciliationRunFindingsTable {
  run_id: Immutable<string>;
  kind: Immutable<string>;
  subject: Immutable<string>;
  position: Generated<number>;
  finding: ColumnType<Difference, string, never>;
  done: string | null;
}

export type BookingRow = Selectable<BookingsTable>;
export type PaymentRow = Selectable<PaymentsTable>;
export type RefundRow = Selectable<RefundsTable>;
export type ShowRow = Selectable<ShowsTable>;
export type NewShowRow = Insertable<ShowsTable>;
export type BookingChangeRow = Selectable<BookingChangesTable>;
export type ReconciliationRunRow = Selectable<ReconciliationRunsTable>;
export type ReconciliationFindingRow = Selectable<ReconciliationFindingsTable>;
