import pg from 'pg';
import { type ConfirmedBooking, HOLD_TTL_SECONDS, type HoldRequest } from './peer.ts';

/** Statements that two cores and a disk can have under way before they only wait for each other. */
const CONNECTIONS_MAX = 20;

/** The seats are the truth: who has them, how many together, until when. Room in the pages lets a confirmation stay in its own. */
const schema = `
  create table if not exists shows (id text primary key, seats integer not null);
  create table if not exists seats (
    show_id text not null,
    seat integer not null,
    booking_id text,
    booking_size smallint,
    buyer text,
    held_until timestamptz,
    confirmed_at timestamptz,
    primary key (show_id, seat)
  ) with (fillfactor = 40);
  create index if not exists seats_of_booking on seats (booking_id) where booking_id is not null;`;

/**
 * All seats or none, in one statement. Rows are locked in the order of seats, so two buyers never wait for each other,
 * and a hold past its time is anybody's. Holding again what one holds is the same hold.
 */
const holdSeats = {
  name: 'hold',
  text: `
    with free as materialized (
      select seat from seats
      where show_id = $1 and seat = any($2::integer[])
        and (booking_id is null or booking_id = $3 or (confirmed_at is null and held_until <= now()))
      order by seat for update
    )
    update seats
    set booking_id = $3, booking_size = cardinality($2::integer[]), buyer = $4,
      held_until = now() + make_interval(secs => $5)
    where show_id = $1 and seat = any($2::integer[])
      and (select count(*) from free) = cardinality($2::integer[])`,
};

/** All seats of the booking or none: one that somebody else has taken after its time leaves the others unconfirmed, too. */
const confirmSeats = {
  name: 'confirm',
  text: `
    with held as materialized (
      select 1 from seats
      where booking_id = $1 and (confirmed_at is not null or held_until > now())
      order by seat for update
    )
    update seats
    set confirmed_at = coalesce(confirmed_at, now())
    where booking_id = $1 and (select count(*) from held) = booking_size`,
};

const releaseSeats = {
  name: 'release',
  text: `
    update seats set booking_id = null, booking_size = null, buyer = null, held_until = null
    where booking_id = $1 and confirmed_at is null`,
};

/** Seats in Postgres, sold by conditional updates; expiry is lazy. */
export class SeatTable {
  readonly pool: pg.Pool;

  private constructor(pool: pg.Pool) {
    this.pool = pool;
  }

  static async open(url: string): Promise<SeatTable> {
    const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS_MAX, min: CONNECTIONS_MAX });
    // The server ended: whoever sends the next statement hears of it.
    pool.on('error', () => {});
    await pool.query(schema);
    return new SeatTable(pool);
  }

  async openShow(showId: string, seats: number): Promise<void> {
    await this.pool.query('insert into shows values ($1, $2) on conflict do nothing', [showId, seats]);
    await this.pool.query(
      'insert into seats (show_id, seat) select $1, generate_series(0, $2 - 1) on conflict do nothing',
      [showId, seats],
    );
  }

  async settle(): Promise<void> {
    await this.pool.query('vacuum (analyze) seats');
    await this.pool.query('checkpoint');
  }

  async hold(bookingId: string, { showId, seats, buyer }: HoldRequest): Promise<boolean> {
    const values = [showId, seats, bookingId, buyer, HOLD_TTL_SECONDS];
    return (await this.pool.query({ ...holdSeats, values })).rowCount === seats.length;
  }

  async confirm(bookingId: string): Promise<boolean> {
    return (await this.pool.query({ ...confirmSeats, values: [bookingId] })).rowCount !== 0;
  }

  async release(bookingId: string): Promise<void> {
    await this.pool.query({ ...releaseSeats, values: [bookingId] });
  }

  async confirmedBookings(): Promise<ConfirmedBooking[]> {
    const { rows } = await this.pool.query<ConfirmedBooking>(`
      select booking_id as "bookingId", show_id as "showId", array_agg(seat order by seat) as seats
      from seats where confirmed_at is not null group by booking_id, show_id`);
    return rows;
  }
}
