import { type Attempt, attemptBooking } from './attempt.ts';
import { type Choice, frontAt, type FrontAddress } from './front.ts';
import { HttpConnection } from './http-connection.ts';
import type { Stopwatch } from './stopwatch.ts';

/** Readers of one show's seat map, in closed loops, while its seats are held one pair after the other. */
export interface MapReadsJob {
  readonly kind: 'map reads';
  readonly front: FrontAddress;
  readonly showId: string;
  readonly readers: number;
  /** Whether a reader shows the tag of what it has, as a page that polls does. */
  readonly conditional: boolean;
  /** Seats to be held: the next ones whenever so many reads have been answered. */
  readonly choices: readonly Choice[];
  readonly readsPerChange: number;
  readonly warmUpMs: number;
  readonly measuredMs: number;
}

export interface MapReadsOutcome {
  /** Answers within what was measured, by what they were. */
  readonly full: number;
  readonly notModified: number;
  /** Of each read within what was measured. */
  readonly latenciesMs: Float64Array;
  /** The holds that changed the map, of the warm-up too. */
  readonly attempts: readonly Attempt[];
}

/** As browsers say it. */
const ENCODINGS = 'gzip, deflate, br, zstd';
const CHANGES_AT_ONCE = 8;
const READS_PER_SECOND_MAX = 200_000;

export async function mapReads(job: MapReadsJob, stopwatch: Stopwatch): Promise<MapReadsOutcome> {
  const { readers, conditional, measuredMs, warmUpMs, readsPerChange } = job;
  const { origin } = frontAt(job.front);
  const changes = await Changes.open(job, stopwatch);
  const connections = await Promise.all(Array.from({ length: readers }, () => HttpConnection.open(origin)));
  const latencies = new Float64Array((READS_PER_SECOND_MAX * measuredMs) / 1_000);
  let full = 0;
  let notModified = 0;
  let reads = 0;
  stopwatch.set(warmUpMs);
  const timer = setTimeout(() => stopwatch.stop(), warmUpMs + measuredMs);
  await Promise.all(
    connections.map(async (connection) => {
      const plain = readRequest(origin, job.showId, null);
      let request = plain;
      for (let sentMs = stopwatch.nowMs(); sentMs < measuredMs; sentMs = stopwatch.nowMs()) {
        const answer = await connection.send(request);
        reads += 1;
        if (reads % readsPerChange === 0) changes.next();
        const { status } = answer;
        if (status !== 200 && status !== 304) throw new Error(`a read was answered ${status}`);
        if (status === 200 && conditional) request = readRequest(origin, job.showId, tagOf(answer.head));
        const nowMs = stopwatch.nowMs();
        if (sentMs < 0 || nowMs >= measuredMs) continue;
        latencies[full + notModified] = nowMs - sentMs;
        if (status === 200) full += 1;
        else notModified += 1;
      }
      connection.close();
    }),
  );
  clearTimeout(timer);
  stopwatch.stop();
  return { full, notModified, latenciesMs: latencies.slice(0, full + notModified), attempts: await changes.end() };
}

/** Holds, a few at a time; those that could not keep up with the reads are not left out but come later. */
class Changes {
  readonly #job: MapReadsJob;
  readonly #stopwatch: Stopwatch;
  readonly #idle: HttpConnection[];
  readonly #underWay = new Set<Promise<void>>();
  readonly #attempts: Attempt[] = [];
  #asked = 0;
  #due = 0;

  private constructor(job: MapReadsJob, stopwatch: Stopwatch, connections: HttpConnection[]) {
    this.#job = job;
    this.#stopwatch = stopwatch;
    this.#idle = connections;
  }

  static async open(job: MapReadsJob, stopwatch: Stopwatch): Promise<Changes> {
    const { origin } = job.front;
    const open = Array.from({ length: CHANGES_AT_ONCE }, () => HttpConnection.open(origin));
    return new Changes(job, stopwatch, await Promise.all(open));
  }

  next(): void {
    this.#due += 1;
    const connection = this.#idle.pop();
    if (connection === undefined) return;
    const work = this.#work(connection).finally(() => this.#underWay.delete(work));
    this.#underWay.add(work);
  }

  async end(): Promise<Attempt[]> {
    await Promise.all(this.#underWay);
    for (const connection of this.#idle) connection.close();
    return this.#attempts;
  }

  async #work(connection: HttpConnection): Promise<void> {
    const { choices } = this.#job;
    while (this.#asked < this.#due && this.#asked < choices.length) {
      const choiceNumber = this.#asked++;
      const choice = choices[choiceNumber]!;
      const todo = { buyer: choiceNumber, choice, choiceNumber, dueMs: this.#stopwatch.nowMs(), pays: false };
      this.#attempts.push(await attemptBooking(frontAt(this.#job.front), connection, todo, this.#stopwatch.nowMs));
    }
    this.#idle.push(connection);
  }
}

function readRequest(origin: string, showId: string, tag: string | null): Buffer {
  const lines = [
    `GET /api/v1/shows/${showId}/seats HTTP/1.1`,
    `Host: ${origin.slice(origin.indexOf('//') + 2)}`,
    `Accept-Encoding: ${ENCODINGS}`,
    ...(tag === null ? [] : [`If-None-Match: ${tag}`]),
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

function tagOf(head: string): string {
  const tag = /\r\netag: *([^\r]+)/i.exec(head)?.[1];
  if (tag === undefined) throw new Error('a seat map came without a tag');
  return tag;
}
