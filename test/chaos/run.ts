import { once } from 'node:events';
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { finished } from 'node:stream/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openShow, rowsOfSeats } from '../setup/shows.ts';
import { ApiDoor } from './api-call.ts';
import { audit, type AuditResult } from './audit.ts';
import { Client, type ClientFigures, type Market, type ShowOnSale } from './clients.ts';
import { RunClock } from './clock.ts';
import type { Cluster } from './cluster.ts';
import type { Fault, FaultRecord } from './faults/fault.ts';
import { scheduleOf } from './faults/schedule.ts';
import { guestTokens } from './guests.ts';
import { OperationLog } from './operation-log.ts';
import type { Partner } from './partner.ts';
import { Prober } from './prober.ts';
import { Random } from './random.ts';
import { MapReader } from './readers.ts';
import { RECOVERY_MAX_MS, recoveredAfterMs, type Sale, slowRecoveries, withRecovery } from './recovery.ts';
import { StreamWatcher } from './stream-watcher.ts';
import { Told } from './told.ts';
import { careless } from './webhook-post.ts';
import { tooLittle, workOf } from './work.ts';

/** Few seats and many buyers: most holds are refused. */
const SHOWS = 6;
const [ROWS, SEATS_OF_A_ROW] = [2, 6];
const CLIENTS = 60;
/** Of the clients, those that go on when the others have gone home. */
const STAYERS = 8;
const READERS = 4;
/** For the probers. */
const [PROBE_ROWS, PROBE_SEATS_OF_A_ROW] = [11, 20];
/** For holds that are left to expire once all is healed. */
const [EXPIRY_ROWS, EXPIRY_SEATS_OF_A_ROW] = [1, 6];
/** Who pays with what takes its time does so early enough for its end to be seen soon after the run. */
const CALM_BEFORE_THE_END_MS = 25_000;
/** On a slow machine what a run is to show may come late: it is waited for once the crowd is gone, for so long at most. */
const SHOWN_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 100;

export interface RunOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly faults: readonly Fault[];
  /** From one turn of faults to the next; absent: as often as a short run needs. */
  readonly betweenFaultsMs?: readonly [fromMs: number, toMs: number];
  /** Told once the clients begin. */
  readonly onBegin?: (figures: ClientFigures) => void;
  /** Until the first booking after a single kill is confirmed; absent: as promised. */
  readonly recoveryMaxMs?: number;
  /** Folder for what the run has seen. */
  readonly folder: string;
}

export interface RunResult {
  readonly seed: number;
  readonly faults: readonly FaultRecord[];
  readonly figures: Omit<ClientFigures, 'holdMs'>;
  readonly operationsPerSecond: number;
  readonly holdMsP50: number;
  readonly holdMsP99: number;
  readonly mapReads: number;
  readonly mapEvents: number;
  readonly probes: number;
  readonly webhooks: Readonly<Record<string, number>>;
  readonly audit: AuditResult;
  /** One sentence for each kind of work of which there was too little to show anything. */
  readonly tooLittle: readonly string[];
  /** Null until it was checked. */
  readonly history: { readonly violations: number; readonly undecided: number; readonly partitions: number } | null;
  /** One sentence for each promise that was broken. */
  readonly broken: readonly string[];
  readonly files: { readonly operations: string; readonly folder: string };
}

/**
 * One run: clients and faults for so many seconds, then healing, and the audit of every promise. Some clients go on until enough was
 * seen of them, and the probers until one of them has bought something after each kill.
 */
export async function runSeed(cluster: Cluster, partner: Partner, options: RunOptions): Promise<RunResult> {
  const { seed, folder, recoveryMaxMs = RECOVERY_MAX_MS } = options;
  mkdirSync(folder, { recursive: true });
  const files = { operations: join(folder, 'operations.jsonl'), folder };
  const operations = new OperationLog(files.operations);
  const stage = await setStage(cluster, options, operations);
  const { market, probeShow, expiryShow, probers, readers, watchers } = stage;
  options.onBegin?.(market.figures);
  cluster.post.carryAs(careless, Random.of(seed, 'webhooks'));

  const { records, startedMs, lastedMs, healedMs } = await letThemWork(cluster, options, stage);

  const boughtAgainMs = (sinceMs: number) => recoveredAfterMs(salesOf(stage), startedMs + sinceMs);
  const faults = records.map((record) => withRecovery(record, records, boughtAgainMs, recoveryMaxMs));
  const { doors, shows, told, clock, figures } = market;
  const scene = { cluster, doors, partner, shows, probeShow, expiryShow, told, operations, clock, healedMs };
  const result = await audit(scene);
  await operations.close();
  await Promise.all(doors.map((door) => door.close()));
  await writeLines(join(folder, 'faults.jsonl'), faults);
  const work = workOf(market, readers, watchers);
  const run: RunResult = {
    ...{ seed, faults, files, audit: result, history: null },
    ...speedOf(figures, lastedMs),
    mapReads: work['seat maps read'],
    mapEvents: work['changes of seat maps told'],
    probes: probers.reduce((sum, { sales }) => sum + sales.length, 0),
    webhooks: { ...cluster.post.figures },
    tooLittle: tooLittle(work),
    broken: [...result.broken, ...slowRecoveries(faults, recoveryMaxMs)],
  };
  writeFileSync(join(folder, 'audit.json'), `${JSON.stringify(run, null, 2)}\n`);
  return run;
}

/** All who want something, faults meanwhile, and what comes after them; nobody goes on when it has come to its end, or failed. */
async function letThemWork(cluster: Cluster, options: RunOptions, stage: Stage) {
  const { market, clients, probers, readers, watchers } = stage;
  const [crowdEnd, stayersEnd, probersEnd] = [new AbortController(), new AbortController(), new AbortController()];
  const timer = setTimeout(() => crowdEnd.abort(), options.seconds * 1_000);
  try {
    const crowd = clients.slice(STAYERS).map((client) => client.run(crowdEnd.signal));
    const stayers = [...clients.slice(0, STAYERS), ...readers, ...watchers].map((each) => each.run(stayersEnd.signal));
    const probing = probers.map((prober) => prober.run(probersEnd.signal));
    const startedMs = performance.now();
    const records = await play(cluster, options, startedMs, crowdEnd.signal);
    if (!crowdEnd.signal.aborted) await once(crowdEnd.signal, 'abort');
    const lastedMs = performance.now() - startedMs;
    await cluster.heal();
    await Promise.all(crowd);
    await untilShown(() => tooLittle(workOf(market, readers, watchers)).length === 0);
    stayersEnd.abort();
    await Promise.all(stayers);
    const killedAtMs = records.filter(({ killed }) => killed !== undefined).map(({ fromMs }) => startedMs + fromMs);
    await untilShown(() => killedAtMs.every((sinceMs) => recoveredAfterMs(salesOf(stage), sinceMs) !== null));
    probersEnd.abort();
    const healedMs = performance.now();
    await Promise.all(probing);
    return { records, startedMs, lastedMs, healedMs };
  } finally {
    clearTimeout(timer);
    for (const end of [crowdEnd, stayersEnd, probersEnd]) end.abort();
  }
}

const salesOf = ({ market, probers }: Pick<Stage, 'market' | 'probers'>): readonly Sale[] => [
  ...market.sales,
  ...probers.flatMap(({ sales }) => sales),
];

/** Waits until it is so, or can be said not to come any more. */
async function untilShown(isShown: () => boolean): Promise<void> {
  const untilMs = performance.now() + SHOWN_WITHIN_MS;
  while (!isShown() && performance.now() < untilMs) await delay(LOOK_EVERY_MS);
}

type Stage = Awaited<ReturnType<typeof setStage>>;

/** Shows, and who wants something of them; each with a sequence of chance of its own. */
async function setStage(cluster: Cluster, { seed, seconds }: RunOptions, operations: OperationLog) {
  const doors = cluster.apis.map((url) => new ApiDoor(url));
  const shows = await Promise.all(Array.from({ length: SHOWS }, () => showOnSale(cluster, ROWS, SEATS_OF_A_ROW)));
  const probeShow = await showOnSale(cluster, PROBE_ROWS, PROBE_SEATS_OF_A_ROW);
  const expiryShow = await showOnSale(cluster, EXPIRY_ROWS, EXPIRY_SEATS_OF_A_ROW);
  const [tokens, probeTokens] = [await guestTokens(doors[0]!, CLIENTS), await guestTokens(doors[1]!, 2)];
  const [clock, told] = [new RunClock(), new Told()];
  const figures: ClientFigures = { operations: 0, outcomes: {}, codes: {}, holdMs: [] };
  const calmFromMs = Date.now() + seconds * 1_000 - CALM_BEFORE_THE_END_MS;
  const market: Market = { doors, shows, operations, clock, told, figures, sales: [], calmFromMs };
  const chanceOf = (who: string, number: number): Random => Random.of(seed, `${who} ${number}`);
  return {
    market,
    probeShow,
    expiryShow,
    clients: tokens.map((token, number) => new Client(market, number, token, chanceOf('client', number))),
    probers: probeTokens.map((token, turn) => new Prober(doors, probeShow, told, token, turn)),
    readers: Array.from(
      { length: READERS },
      (_, number) => new MapReader(doors, shows, told, chanceOf('reader', number)),
    ),
    watchers: shows.map((show, number) => new StreamWatcher(cluster.apis, show, told, chanceOf('watcher', number))),
  };
}

function speedOf({ operations, outcomes, codes, holdMs }: ClientFigures, lastedMs: number) {
  const sorted = holdMs.toSorted((a, b) => a - b);
  const quantile = (share: number): number => Math.round(sorted[Math.floor(sorted.length * share)] ?? NaN);
  return {
    figures: { operations, outcomes, codes },
    operationsPerSecond: Math.round((1_000 * operations) / lastedMs),
    holdMsP50: quantile(0.5),
    holdMsP99: quantile(0.99),
  };
}

async function showOnSale(cluster: Cluster, rows: number, seatsPerRow: number): Promise<ShowOnSale> {
  const plan = rowsOfSeats(rows, seatsPerRow);
  const { id } = await openShow(cluster, { plan });
  return { id, rows: plan.sections.flatMap((section) => section.rows.map((row) => row.seats.map((seat) => seat.id))) };
}

/** Brings the faults of the schedule about, each when its time has come, and waits until all of them are over. */
async function play(
  cluster: Cluster,
  { seed, seconds, faults, betweenFaultsMs }: RunOptions,
  startedMs: number,
  signal: AbortSignal,
): Promise<FaultRecord[]> {
  const records: FaultRecord[] = [];
  const running: Promise<void>[] = [];
  for (const { atMs, faults: together } of faults.length === 0
    ? []
    : scheduleOf(seed, seconds * 1_000, faults, betweenFaultsMs)) {
    await delay(Math.max(0, startedMs + atMs - performance.now()), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
    for (const [number, fault] of together.entries()) {
      const random = Random.of(seed, `fault at ${atMs}, ${number}`);
      const fromMs = performance.now() - startedMs;
      running.push(
        fault.run(cluster, random, signal).then(
          (deed) => {
            const { what = null, killed, atMs: killedAtMs } = deed ?? {};
            const from = killedAtMs === undefined ? fromMs : killedAtMs - startedMs;
            records.push({
              name: fault.name,
              fromMs: from,
              toMs: performance.now() - startedMs,
              what,
              ...(killed && { killed }),
            });
          },
          (error: unknown) => {
            const toMs = performance.now() - startedMs;
            records.push({ name: fault.name, fromMs, toMs, what: null, failure: String(error) });
          },
        ),
      );
    }
  }
  await Promise.all(running);
  return records;
}

async function writeLines(file: string, items: readonly unknown[]): Promise<void> {
  const stream = createWriteStream(file);
  for (const item of items) stream.write(`${JSON.stringify(item)}\n`);
  stream.end();
  await finished(stream);
}
