import { setTimeout as delay } from 'node:timers/promises';
import { attemptBooking, type Attempt, failedAttempt } from './attempt.ts';
import { ConnectionPool } from './connection-pool.ts';
import { type Choice, type Front, frontAt, type FrontAddress } from './front.ts';
import { HttpConnection } from './http-connection.ts';
import { poissonSchedule, seededRandom } from './schedule.ts';
import type { Stopwatch } from './stopwatch.ts';

/** So many clients, each of which asks again as soon as it is answered, or may: who is refused for the time being waits. */
export interface ClosedLoopsJob {
  readonly kind: 'closed loops';
  readonly front: FrontAddress;
  readonly clients: number;
  readonly choices: readonly Choice[];
  /** In turn each choice is asked for once; at random nobody looks what others ask for. */
  readonly order: 'in turn' | 'at random';
  readonly pays: boolean;
  /** Asked for first, at random: other shows, until the service and the generator itself are warm. */
  readonly warmUp?: { readonly choices: readonly Choice[]; readonly requests: number };
  /** The same work before what is measured. */
  readonly warmUpMs: number;
  /** Whichever comes first, besides the end of the choices. */
  readonly measuredMs: number;
  readonly requests?: number;
}

/** Buyers who come when they come, however long others have to wait. */
export interface ArrivalsJob {
  readonly kind: 'arrivals';
  readonly front: FrontAddress;
  readonly choices: readonly Choice[];
  readonly pays: boolean;
  /** One after the other; the first one is the warm-up. */
  readonly stages: readonly { readonly ratePerSecond: number; readonly forMs: number }[];
  readonly seed: number;
}

export interface BookingsOutcome {
  readonly attempts: readonly Attempt[];
  /** Of the other shows: no part of what is measured, and of the audit all the same. */
  readonly warmUpAttempts: readonly Attempt[];
  /** Unix ms at which measuring began. */
  readonly startedAtMs: number;
}

export async function closedLoops(job: ClosedLoopsJob, stopwatch: Stopwatch): Promise<BookingsOutcome> {
  const { clients, pays, warmUpMs, measuredMs, warmUp } = job;
  const front = frontAt(job.front);
  const connections = await Promise.all(Array.from({ length: clients }, () => HttpConnection.open(front.origin)));
  const ask = (asked: Asked, untilMs: number, nowMs: () => number): Promise<Attempt[]> =>
    inLoops({ front, connections, choices: asked.choices, chooser: chooserOf(asked), pays, untilMs, nowMs });
  const warmUpAttempts = warmUp ? await ask({ ...warmUp, order: 'at random' }, Infinity, () => performance.now()) : [];
  stopwatch.set(warmUpMs);
  const timer = setTimeout(() => stopwatch.stop(), Math.min(warmUpMs + measuredMs, 2 ** 31 - 1));
  const attempts = await ask(job, measuredMs, stopwatch.nowMs);
  clearTimeout(timer);
  stopwatch.stop();
  for (const connection of connections) connection.close();
  return { attempts, warmUpAttempts, startedAtMs: stopwatch.startedAtMs };
}

type Asked = Pick<ClosedLoopsJob, 'choices' | 'order' | 'requests'>;

/** Numbers of choices, in the order in which they are asked for. */
interface Chooser {
  /** Null: no more are to be made. */
  readonly next: () => number | null;
  /** One that was not decided about. */
  readonly giveBack: (choiceNumber: number) => void;
}

function chooserOf({ choices, order, requests = Infinity }: Asked): Chooser {
  let asked = 0;
  const left = order === 'in turn' ? [...choices.keys()].reverse() : null;
  return {
    next: () => {
      if (asked++ >= requests) return null;
      return left ? (left.pop() ?? null) : Math.floor(Math.random() * choices.length);
    },
    giveBack: (choiceNumber) => left?.push(choiceNumber),
  };
}

const FAILURES_MAX = 20;

interface Loops {
  readonly front: Front;
  /** One for each client; those that end are replaced here. */
  readonly connections: HttpConnection[];
  readonly choices: readonly Choice[];
  readonly chooser: Chooser;
  readonly pays: boolean;
  readonly untilMs: number;
  readonly nowMs: () => number;
}

async function inLoops({ front, connections, choices, chooser, pays, untilMs, nowMs }: Loops): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  let failures = 0;
  const client = async (buyer: number): Promise<void> => {
    // What fails is told by the first failures; a service that hangs takes half a minute for each.
    for (let choiceNumber; failures < FAILURES_MAX && nowMs() < untilMs && (choiceNumber = chooser.next()) !== null;) {
      if (!connections[buyer]!.isOpen) connections[buyer] = await HttpConnection.open(front.origin);
      const todo = { buyer, choice: choices[choiceNumber]!, choiceNumber, dueMs: nowMs(), pays };
      const attempt = await attemptBooking(front, connections[buyer]!, todo, nowMs);
      attempts.push(attempt);
      if (attempt.end === 'failed') failures += 1;
      if (attempt.end !== 'overloaded') continue;
      if (attempt.bookingId === null) chooser.giveBack(choiceNumber);
      await delay(Math.min(attempt.retryAfterMs, untilMs - nowMs()));
    }
  };
  await Promise.all(connections.map((_, buyer) => client(buyer)));
  return attempts;
}

/** A choice that was refused for the time being is asked for again by somebody later. */
export async function arrivals(job: ArrivalsJob, stopwatch: Stopwatch): Promise<BookingsOutcome> {
  const { choices, pays, stages, seed } = job;
  const front = frontAt(job.front);
  const pool = new ConnectionPool(front.origin);
  const free = choices.map((_, number) => number).reverse();
  const attempts: Attempt[] = [];
  const underWay: Promise<void>[] = [];

  const arrive = async (dueMs: number, buyer: number, choiceNumber: number): Promise<void> => {
    const todo = { buyer, choice: choices[choiceNumber]!, choiceNumber, dueMs, pays };
    const attempt = await pool.use(
      (connection) => attemptBooking(front, connection, todo, stopwatch.nowMs),
      (reason) => failedAttempt(todo, stopwatch.nowMs(), reason),
    );
    attempts.push(attempt);
    if (attempt.end === 'overloaded' && attempt.bookingId === null) free.unshift(choiceNumber);
  };

  stopwatch.set(stages[0]!.forMs);
  for (const dueMs of dueTimes(stages, seededRandom(seed))) {
    const earlyMs = dueMs - stopwatch.nowMs();
    if (earlyMs > 0) await delay(earlyMs);
    const choiceNumber = free.pop();
    if (choiceNumber === undefined) throw new Error('the shows are sold out before the time is up');
    underWay.push(arrive(dueMs, underWay.length, choiceNumber));
  }
  await delay(Math.max(0, measuredMs(stages) - stopwatch.nowMs()));
  stopwatch.stop();
  await Promise.all(underWay);
  pool.close();
  return { attempts, warmUpAttempts: [], startedAtMs: stopwatch.startedAtMs };
}

/** Of all stages, ms since the end of the first one. */
function dueTimes(stages: ArrivalsJob['stages'], random: () => number): number[] {
  let beginMs = -stages[0]!.forMs;
  return stages.flatMap(({ ratePerSecond, forMs }) => {
    const stage = poissonSchedule(ratePerSecond, forMs, random).map((atMs) => beginMs + atMs);
    beginMs += forMs;
    return stage;
  });
}

const measuredMs = (stages: ArrivalsJob['stages']): number =>
  stages.slice(1).reduce((sum, { forMs }) => sum + forMs, 0);
