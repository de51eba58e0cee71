import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { SenderPlaces } from '../contracts/sender-places.ts';
import type { Log } from './database.ts';
import { keepConnected, type LastingConnection } from './lasting-connection.ts';

/**
 * Of the ten updates that Temporal takes of one workflow at once. Two are left to processes that have died, or have lost
 * their connection to Postgres, with an update in flight: their place is free before their update is answered.
 */
const PLACES_PER_SHOW = 8;
/**
 * Places that one process keeps. Postgres has room for 64 locks per connection of `max_connections`, and a process uses
 * a dozen connections.
 */
const PLACES_KEPT_MAX = 256;
/** Looked for in one query: some hundred microseconds of Postgres, and room for them is made before. */
const SHOWS_PER_QUERY_MAX = 64;
/** A process that has given its place to another one asks for the next only after the other has looked for it. */
const REST_MS = 150;
/** Who waits asks one of the others for its place, and, should a third have been faster, the next one. */
const ASK_AGAIN_MS = 400;
/** Where Postgres was away everybody has lost his place, and may still have an update in flight: a usual one is answered. */
const SETTLED_AFTER_MS = 1_000;
/** A lock is a matter of microseconds. */
const QUERY_TIMEOUT_MS = 2_000;
const CHANNEL = 'seatkeeper_sender_places';

/**
 * Places are session locks: nothing is written, and they are gone with the session. So the session of a machine that is
 * gone must end soon, too. Commits have nothing durable to wait for: notices are for processes that live.
 */
const SESSION_SETTINGS = [
  'tcp_keepalives_idle=5',
  'tcp_keepalives_interval=5',
  'tcp_keepalives_count=3',
  'synchronous_commit=off',
];

/** For each line its first free place, looked for from a place of chance on; null where none is. */
const TAKE = `
  select (
    select place % ${PLACES_PER_SHOW}
    from generate_series(wanted.first, wanted.first + ${PLACES_PER_SHOW - 1}) as place
    where pg_try_advisory_lock(wanted.line, place % ${PLACES_PER_SHOW})
    limit 1
  ) as number
  from unnest($1::int[], $2::int[]) with ordinality as wanted(line, first, position)
  order by position`;

interface Place {
  readonly line: number;
  readonly number: number;
  /** An update is in flight, or about to be. */
  isBusy: boolean;
  isAskedFor: boolean;
}

interface Wanting {
  readonly showId: string;
  readonly answer: (isIn: boolean) => void;
}

/**
 * Places in the lines to the shows, over one connection of its own per process. Taking the first place in a show's line is
 * one query, for all shows that are asked for at that moment; a place that is there is kept, and costs nothing, until
 * somebody else finds none and asks for it, or it is the one unused for longest of too many.
 */
export class ShowSenderPlaces implements SenderPlaces {
  readonly #connection: LastingConnection;
  readonly #log: Log;
  /** Null while there is none. */
  #session: pg.Client | null = null;
  #usableFromMs = 0;
  /** By show, the one unused for longest first. */
  readonly #places = new Map<string, Place>();
  #wanting: Wanting[] = [];
  #isTaking = false;
  /** Shows whose place was given away just now, and those for which somebody was asked just now. */
  readonly #resting = new Set<string>();
  readonly #asked = new Set<string>();

  constructor(databaseUrl: string, log: Log) {
    this.#log = log;
    this.#connection = keepConnected(databaseUrl, {
      name: 'sender places',
      settings: {
        query_timeout: QUERY_TIMEOUT_MS,
        options: SESSION_SETTINGS.map((setting) => `-c ${setting}`).join(' '),
      },
      log,
      onConnected: (session, isAgain) => this.#connected(session, isAgain),
      onLost: () => this.#lost(),
    });
  }

  enter(showId: string): boolean | Promise<boolean> {
    const place = this.#places.get(showId);
    if (place) {
      this.#places.delete(showId);
      this.#places.set(showId, place);
      place.isBusy = true;
      return true;
    }
    if (this.#session === null || Date.now() < this.#usableFromMs || this.#resting.has(showId)) return false;
    return new Promise((answer) => {
      this.#wanting.push({ showId, answer });
      void this.#take();
    });
  }

  leave(showId: string): void {
    const place = this.#places.get(showId);
    // Gone with its session.
    if (!place) return;
    place.isBusy = false;
    if (place.isAskedFor) this.#giveAway(showId, place);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #connected(session: pg.Client, isAgain: boolean): Promise<void> {
    session.on('notification', ({ payload }) => this.#heard(payload ?? ''));
    await session.query(`listen ${CHANNEL}`);
    this.#usableFromMs = isAgain ? Date.now() + SETTLED_AFTER_MS : 0;
    this.#session = session;
  }

  #lost(): void {
    this.#session = null;
    this.#places.clear();
  }

  /** What is asked for while one query runs goes together into the next. */
  async #take(): Promise<void> {
    if (this.#isTaking) return;
    this.#isTaking = true;
    while (this.#wanting.length > 0) {
      const wanting = this.#wanting.splice(0, SHOWS_PER_QUERY_MAX);
      const numbers = this.#makesRoomFor(wanting.length) ? await this.#lock(wanting) : [];
      wanting.forEach(({ showId, answer }, position) => answer(this.#settle(showId, numbers[position] ?? null)));
    }
    this.#isTaking = false;
  }

  #settle(showId: string, number: number | null): boolean {
    if (number === null) {
      this.#askFor(showId);
      return false;
    }
    this.#places.set(showId, { line: lineOf(showId), number, isBusy: true, isAskedFor: false });
    return true;
  }

  async #lock(wanting: readonly Wanting[]): Promise<readonly (number | null)[]> {
    const session = this.#session;
    const parameters = [wanting.map(({ showId }) => lineOf(showId)), wanting.map(anyPlace)];
    const rows = await this.#run(session, TAKE, parameters);
    // Locks of a session that was lost meanwhile are gone with it.
    return session === this.#session ? rows.map(({ number }) => number as number | null) : [];
  }

  /** False when so many updates are in flight that no place can be given back for another one. */
  #makesRoomFor(count: number): boolean {
    for (const [showId, place] of this.#places) {
      if (this.#places.size + count <= PLACES_KEPT_MAX) break;
      if (!place.isBusy) this.#giveBack(showId, place);
    }
    return this.#places.size + count <= PLACES_KEPT_MAX;
  }

  #giveBack(showId: string, { line, number }: Place): void {
    this.#places.delete(showId);
    void this.#run(this.#session, 'select pg_advisory_unlock($1::int, $2::int)', [line, number]);
  }

  #giveAway(showId: string, place: Place): void {
    this.#giveBack(showId, place);
    rememberFor(REST_MS, this.#resting, showId);
  }

  #askFor(showId: string): void {
    if (this.#asked.has(showId)) return;
    rememberFor(ASK_AGAIN_MS, this.#asked, showId);
    void this.#run(this.#session, 'select pg_notify($1, $2)', [CHANNEL, `${lineOf(showId)}:${anyPlace()}`]);
  }

  #heard(asked: string): void {
    for (const [showId, place] of this.#places) {
      if (`${place.line}:${place.number}` !== asked) continue;
      if (place.isBusy) place.isAskedFor = true;
      else this.#giveAway(showId, place);
    }
  }

  /** After a query that failed nobody knows which locks the session has: it ends, and has none. */
  async #run(session: pg.Client | null, text: string, values: unknown[]): Promise<readonly Record<string, unknown>[]> {
    if (session === null) return [];
    try {
      return (await session.query<Record<string, unknown>>(text, values)).rows;
    } catch (error) {
      if (session !== this.#session) return [];
      this.#log.warn({ err: error }, 'places in the lines to the shows are given up');
      this.#lost();
      session.connection.stream.destroy();
      return [];
    }
  }
}

/** Two shows may share a line: then they have its places together. */
const lineOf = (showId: string): number => createHash('sha256').update(showId).digest().readInt32BE(0);

const anyPlace = (): number => Math.floor(Math.random() * PLACES_PER_SHOW);

function rememberFor(ms: number, set: Set<string>, entry: string): void {
  set.add(entry);
  setTimeout(() => set.delete(entry), ms).unref();
}
