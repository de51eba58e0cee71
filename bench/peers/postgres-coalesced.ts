import type pg from 'pg';
import {
  bookingIdIn,
  charge,
  HOLD_TTL_SECONDS,
  type HoldRequest,
  Overloaded,
  type PeerHost,
  type SeatSeller,
  showOf,
} from './peer.ts';
import { SeatTable } from './seat-table.ts';

/** A statement of so many commands takes some milliseconds; more would make the first of them wait for the last. */
const BATCH_MAX = 256;
/** A second's worth. */
const WAITING_MAX = 10_000;

/**
 * Runs the commands of one show in one transaction. Whoever writes to a show locks it first: so what is seen free here
 * is free. The lists `seat_list`, `hold_list`, `buyer_list`, `size_list` have an entry per seat, of holds that want no
 * seat twice: those are decided in one statement. `later_*` have one per hold: they want seats that an earlier hold of
 * the batch wants, too, and come after it. Answers the bookings that hold or have what they asked for.
 */
const runCommands = `
  create or replace function run_commands(
    for_show text, to_confirm text[],
    seat_list integer[], hold_list text[], buyer_list text[], size_list integer[],
    later_holds text[], later_seats text[], later_buyers text[],
    ttl_seconds integer
  ) returns setof text language plpgsql set enable_seqscan = off as $$
  declare
    -- By the clock, once locked: whoever comes later sees a later time than who came before.
    at timestamptz;
    ends timestamptz;
    granted text[];
    wanted integer[];
  begin
    perform pg_advisory_xact_lock(hashtextextended(for_show, 0));
    at := clock_timestamp();
    ends := at + make_interval(secs => ttl_seconds);
    if cardinality(to_confirm) > 0 then
      return query
        with confirmed as (
          update seats set confirmed_at = coalesce(confirmed_at, at)
          where booking_id = any(to_confirm) and (confirmed_at is not null or held_until > at)
          returning booking_id
        )
        select distinct booking_id from confirmed;
    end if;
    if cardinality(hold_list) > 0 then
      granted := array(
        select wish.booking
        from seats
        join unnest(seat_list, hold_list, size_list) as wish (number, booking, size) on wish.number = seats.seat
        where show_id = for_show and seat = any(seat_list)
          and (booking_id is null or (confirmed_at is null and held_until <= at))
        group by wish.booking, wish.size
        having count(*) = wish.size
      );
      update seats
      set booking_id = wish.booking, booking_size = wish.size, buyer = wish.buyer, held_until = ends
      from unnest(seat_list, hold_list, buyer_list, size_list) as wish (number, booking, buyer, size)
      where show_id = for_show and seat = any(seat_list) and seat = wish.number and wish.booking = any(granted);
      return query select unnest(granted);
    end if;
    for command in 1 .. cardinality(later_holds) loop
      wanted := later_seats[command]::integer[];
      continue when (
        select count(*) from seats
        where show_id = for_show and seat = any(wanted)
          and (booking_id is null or (confirmed_at is null and held_until <= at))
      ) < cardinality(wanted);
      update seats
      set booking_id = later_holds[command], booking_size = cardinality(wanted), buyer = later_buyers[command],
        held_until = ends
      where show_id = for_show and seat = any(wanted);
      return next later_holds[command];
    end loop;
  end $$`;

interface Command {
  readonly bookingId: string;
  /** Absent: the booking is to be confirmed. */
  readonly hold?: HoldRequest;
  readonly answer: PromiseWithResolvers<boolean>;
}

/** Postgres with smart batching: what arrives for a show while a statement of it runs is sent as the next one. */
export async function startCoalesced(host: PeerHost): Promise<SeatSeller> {
  return coalescing(await SeatTable.open(await host.startPostgres()));
}

/** In the process that has the seats to itself, or beside others: the database keeps them apart. */
export async function coalescing(table: SeatTable): Promise<SeatSeller> {
  await table.pool.query(runCommands);
  const queues = new Map<string, ShowQueue>();
  const run = (showId: string, bookingId: string, hold?: HoldRequest): Promise<boolean> => {
    const queue = queues.get(showId) ?? new ShowQueue(table.pool, showId, () => queues.delete(showId));
    queues.set(showId, queue);
    return queue.run(bookingId, hold);
  };
  return {
    openShow: (showId, seats) => table.openShow(showId, seats),
    settle: () => table.settle(),
    async hold(request) {
      const bookingId = bookingIdIn(request.showId);
      return (await run(request.showId, bookingId, request)) ? bookingId : null;
    },
    async pay(bookingId) {
      await charge(bookingId);
      return run(showOf(bookingId), bookingId);
    },
    confirmedBookings: () => table.confirmedBookings(),
  };
}

class ShowQueue {
  readonly #pool: pg.Pool;
  readonly #showId: string;
  readonly #onIdle: () => void;
  #waiting: Command[] = [];
  #running = false;

  /** `onIdle` is called when nothing waits any more. */
  constructor(pool: pg.Pool, showId: string, onIdle: () => void) {
    this.#pool = pool;
    this.#showId = showId;
    this.#onIdle = onIdle;
  }

  run(bookingId: string, hold: HoldRequest | undefined): Promise<boolean> {
    if (this.#waiting.length >= WAITING_MAX) throw new Overloaded();
    const answer = Promise.withResolvers<boolean>();
    this.#waiting.push({ bookingId, hold, answer });
    if (!this.#running) void this.#drain();
    return answer.promise;
  }

  async #drain(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, BATCH_MAX);
      this.#waiting = this.#waiting.slice(BATCH_MAX);
      try {
        const done = await this.#send(batch);
        for (const { bookingId, answer } of batch) answer.resolve(done.has(bookingId));
      } catch (error) {
        for (const { answer } of batch) answer.reject(error);
      }
    }
    this.#running = false;
    this.#onIdle();
  }

  async #send(batch: readonly Command[]): Promise<Set<string>> {
    const confirms = batch.flatMap(({ bookingId, hold }) => (hold ? [] : [bookingId]));
    const holds = batch.flatMap(({ bookingId, hold }) => (hold ? [{ bookingId, ...hold }] : []));
    const { first, later } = inTurns(holds);
    const bySeat = first.flatMap((hold) => hold.seats.map((seat) => ({ ...hold, seat })));
    const { rows } = await this.#pool.query<{ bookingId: string }>({
      name: 'run-commands',
      text: 'select run_commands($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) as "bookingId"',
      values: [
        this.#showId,
        confirms,
        bySeat.map(({ seat }) => seat),
        bySeat.map(({ bookingId }) => bookingId),
        bySeat.map(({ buyer }) => buyer),
        bySeat.map(({ seats }) => seats.length),
        later.map(({ bookingId }) => bookingId),
        later.map(({ seats }) => `{${seats.join(',')}}`),
        later.map(({ buyer }) => buyer),
        HOLD_TTL_SECONDS,
      ],
    });
    return new Set(rows.map(({ bookingId }) => bookingId));
  }
}

interface Hold extends HoldRequest {
  readonly bookingId: string;
}

/** `first` are those that want no seat which one before them wants. */
function inTurns(holds: readonly Hold[]): { readonly first: Hold[]; readonly later: Hold[] } {
  const wanted = new Set<number>();
  const first: Hold[] = [];
  const later: Hold[] = [];
  for (const hold of holds) {
    (hold.seats.some((seat) => wanted.has(seat)) ? later : first).push(hold);
    for (const seat of hold.seats) wanted.add(seat);
  }
  return { first, later };
}
