import { type Kysely, sql } from 'kysely';

/**
 * On the hot path (bookings, booked_seats, payments, outbox) there are no foreign keys: each would lock the one row of
 * its show or booking for every seat sold, and nothing that they refer to is ever deleted.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await extensions(db);
  await accounts(db);
  await catalogue(db);
  await shows(db);
  await bookings(db);
  await payments(db);
  await messages(db);
}

async function extensions(db: Kysely<never>): Promise<void> {
  await sql`create extension if not exists pg_trgm`.execute(db);
  await sql`create extension if not exists btree_gist`.execute(db);
}

async function accounts(db: Kysely<never>): Promise<void> {
  await sql`
    create table users (
      id text primary key,
      role text not null check (role in ('customer', 'guest', 'theatre_owner', 'support', 'admin')),
      email text,
      phone text,
      created_at timestamptz not null
    )`.execute(db);
  await sql`
    create table refresh_tokens (
      hash text primary key,
      user_id text not null references users,
      family text not null,
      expires_at timestamptz not null
    )`.execute(db);
}

async function catalogue(db: Kysely<never>): Promise<void> {
  await sql`
    create table cities (
      id text primary key,
      name text not null,
      country text not null,
      zone text not null,
      lat double precision not null check (lat between -90 and 90),
      lng double precision not null check (lng between -180 and 180),
      population integer not null
    )`.execute(db);
  await sql`create index cities_by_name on cities (name, id)`.execute(db);
  await sql`
    create table theatres (
      id text primary key,
      city_id text not null references cities,
      name text not null,
      address text,
      lat double precision not null check (lat between -90 and 90),
      lng double precision not null check (lng between -180 and 180)
    )`.execute(db);
  await sql`create index theatres_by_city on theatres (city_id, name, id)`.execute(db);
  await sql`create index theatres_by_name on theatres (name, id)`.execute(db);
  await sql`create index theatres_by_latitude on theatres (lat)`.execute(db);
  await sql`
    create table screens (
      id text primary key,
      theatre_id text not null references theatres,
      name text not null,
      unique (theatre_id, name),
      unique (id, theatre_id)
    )`.execute(db);
  await sql`
    create table seating_plans (
      id text primary key,
      name text not null,
      plan jsonb not null,
      layout jsonb not null,
      seat_count integer not null check (seat_count > 0),
      created_at timestamptz not null
    )`.execute(db);
  await sql`
    create table movies (
      id text primary key,
      title text not null,
      genres text[] not null,
      duration_minutes integer check (duration_minutes > 0),
      certificate text,
      director text,
      released_on date,
      created_at timestamptz not null
    )`.execute(db);
  await sql`create index movies_by_title on movies (title, id)`.execute(db);
  await sql`create index movies_by_similar_title on movies using gin (title gin_trgm_ops)`.execute(db);
}

async function shows(db: Kysely<never>): Promise<void> {
  await sql`
    create table shows (
      id text primary key,
      movie_id text not null references movies,
      theatre_id text not null,
      screen_id text not null,
      seating_plan_id text not null references seating_plans,
      starts_at timestamptz not null,
      ends_at timestamptz not null,
      sales_open_at timestamptz not null,
      sales_close_at timestamptz not null,
      language text not null,
      format text not null,
      cancelled_at timestamptz,
      categories jsonb not null,
      overlap_overridden boolean not null,
      created_at timestamptz not null,
      foreign key (screen_id, theatre_id) references screens (id, theatre_id),
      check (starts_at < ends_at),
      check (sales_open_at < sales_close_at),
      constraint one_show_at_a_time exclude using gist
        (screen_id with =, tstzrange(starts_at, ends_at, '[)') with &&)
        where (not overlap_overridden and cancelled_at is null)
    )`.execute(db);
  await sql`create index shows_by_start on shows (starts_at, id)`.execute(db);
  await sql`create index shows_by_movie on shows (movie_id, starts_at, id)`.execute(db);
  await sql`create index shows_by_theatre on shows (theatre_id, starts_at, id)`.execute(db);
  // Rewritten several times a second while a show sells: room on the page keeps the new versions off the index.
  await sql`
    create table seat_map_snapshots (
      show_id text primary key references shows,
      version bigint not null,
      as_of timestamptz not null,
      statuses text not null,
      available integer not null,
      total integer not null,
      check (length(statuses) = total),
      check (available between 0 and total)
    ) with (fillfactor = 50)`.execute(db);
}

async function bookings(db: Kysely<never>): Promise<void> {
  // A booking is written once and updated two or three times in its first minutes.
  await sql`
    create table bookings (
      id text primary key,
      booking_number text,
      show_id text not null,
      user_id text not null,
      city_id text not null,
      status text not null check (status in
        ('HELD', 'PAYMENT_PENDING', 'CONFIRMED', 'RELEASED', 'EXPIRED', 'FAILED', 'CANCELLED', 'EXCHANGED')),
      seats jsonb not null,
      price jsonb not null,
      items jsonb not null,
      fingerprint text not null,
      held_at timestamptz not null,
      expires_at timestamptz not null,
      version integer not null check (version > 0),
      changed_at timestamptz not null,
      payment_status text,
      payment_id text,
      refund jsonb,
      as_created jsonb,
      updated_at timestamptz not null,
      constraint confirmed_is_paid_and_numbered check (
        (status in ('CONFIRMED', 'CANCELLED', 'EXCHANGED'))
        = (payment_id is not null and booking_number is not null))
    ) with (fillfactor = 70)`.execute(db);
  await sql`create unique index booking_numbers on bookings (booking_number)
    where booking_number is not null`.execute(db);
  await sql`create index bookings_by_user on bookings (user_id, held_at desc, id desc)`.execute(db);
  await sql`
    create table booked_seats (
      show_id text not null,
      seat_id text not null,
      booking_id text not null,
      constraint one_booking_per_seat primary key (show_id, seat_id)
    )`.execute(db);
  await sql`create sequence booking_number_sequence`.execute(db);
  await sql`
    create function next_booking_number() returns text language sql volatile as $$
      select 'BMS' || to_char(now() at time zone 'UTC', 'YYYYMMDD')
        || case when n < 100000000 then lpad(n::text, 8, '0') else n::text end
      from nextval('booking_number_sequence') as n
    $$`.execute(db);
}

async function payments(db: Kysely<never>): Promise<void> {
  await sql`
    create table payments (
      id text primary key,
      booking_id text not null,
      status text not null check (status in ('PENDING', 'SUCCEEDED', 'DECLINED', 'FAILED', 'UNKNOWN')),
      provider text,
      provider_reference text,
      method text,
      amount bigint not null check (amount >= 0),
      currency text not null,
      failure_reason text,
      fingerprint text,
      sent_at timestamptz,
      created_at timestamptz not null,
      updated_at timestamptz not null
    ) with (fillfactor = 80)`.execute(db);
  await sql`create index payments_by_booking on payments (booking_id)`.execute(db);
  await sql`create index payments_without_outcome on payments (created_at)
    where status in ('PENDING', 'UNKNOWN')`.execute(db);
  await sql`
    create table refunds (
      id text primary key,
      payment_id text not null,
      booking_id text not null,
      amount bigint not null check (amount >= 0),
      currency text not null,
      status text not null check (status in ('PENDING', 'SUCCEEDED', 'FAILED')),
      provider_reference text,
      created_at timestamptz not null,
      updated_at timestamptz not null
    )`.execute(db);
  await sql`create index refunds_by_booking on refunds (booking_id)`.execute(db);
}

async function messages(db: Kysely<never>): Promise<void> {
  await sql`
    create table outbox (
      id bigint generated always as identity primary key,
      booking_id text not null,
      type text not null,
      payload jsonb not null,
      created_at timestamptz not null default now()
    )`.execute(db);
  // json, not jsonb: kept to the letter, whatever a provider sends (jsonb refuses \u0000).
  await sql`
    create table webhook_events (
      provider text not null,
      event_id text not null,
      received_at timestamptz not null default now(),
      body json not null,
      booking_id text,
      effect text not null,
      primary key (provider, event_id)
    )`.execute(db);
  // json again: an answer given twice is the same text, its fields in the same order.
  await sql`
    create table idempotency_answers (
      scope text not null,
      key text not null,
      fingerprint text not null,
      status integer not null,
      headers json not null,
      body json not null,
      created_at timestamptz not null default now(),
      primary key (scope, key)
    )`.execute(db);
  await sql`create index idempotency_answers_by_age on idempotency_answers (created_at)`.execute(db);
}
