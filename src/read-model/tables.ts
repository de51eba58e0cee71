import type { ColumnType, Generated, Insertable, Selectable } from 'kysely';
import type { BookingStatus, PaymentMethod, PaymentStatus, PricedSeat, RefundStatus } from '../domain/booking.ts';
import type { Money } from '../domain/money.ts';
import type { CategoryPrice, Price } from '../domain/pricing.ts';
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
  seat_map_snapshots: SeatMapSnapshotsTable;
  bookings: BookingsTable;
  booked_seats: BookedSeatsTable;
  payments: PaymentsTable;
  refunds: RefundsTable;
  outbox: OutboxTable;
  webhook_events: WebhookEventsTable;
  idempotency_answers: IdempotencyAnswersTable;
}

/** A value kept as `jsonb`, written as JSON text (the driver would write an array as a Postgres array). */
type Json<T> = ColumnType<T, string, string>;
type Immutable<T> = ColumnType<T, T, never>;

export interface UsersTable {
  id: Immutable<string>;
  role: string;
  email: string | null;
  phone: string | null;
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
  refund: Json<{ amount: Money; status: RefundStatus } | null>;
  as_created: Json<{ seats: readonly PricedSeat[]; price: Price; expiresAtMs: number } | null>;
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

export interface RefundsTable {
  id: Immutable<string>;
  payment_id: Immutable<string>;
  booking_id: Immutable<string>;
  amount: Immutable<number>;
  currency: Immutable<string>;
  status: RefundStatus;
  provider_reference: string | null;
  created_at: Immutable<Date>;
  updated_at: Date;
}

export interface OutboxTable {
  id: Generated<number>;
  booking_id: Immutable<string>;
  type: Immutable<string>;
  payload: ColumnType<Record<string, unknown>, string, never>;
  created_at: ColumnType<Date, Date | undefined, never>;
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

export type BookingRow = Selectable<BookingsTable>;
export type PaymentRow = Selectable<PaymentsTable>;
export type RefundRow = Selectable<RefundsTable>;
export type ShowRow = Selectable<ShowsTable>;
export type NewShowRow = Insertable<ShowsTable>;
