import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { Command, InvalidArgumentError } from 'commander';
import { connectClient } from '../../temporal/connection.ts';
import { searchAttributes } from '../contracts/workflow-ids.ts';
import { createLogger } from '../platform/logger.ts';
import { createDatabase } from '../read-model/database.ts';
import { type AuditSources, auditShow, type ShowAudit } from './audit.ts';
import { openBoxOffices } from './demo/box-office.ts';
import { News } from './demo/news.ts';
import { legend, plural, report } from './demo/report.ts';
import { showToStorm, type StormedShow } from './demo/show-to-storm.ts';
import { storm, type StormProgress } from './demo/storm.ts';
import { Display } from './demo/display.ts';
import { getJson, PATIENCE_MS, patiently, reasonOf } from './patience.ts';
import { ownStaffToken, runningSystem, type RunningSystem } from './running-system.ts';

/**
 * `npm run demo`: many buyers storm the largest show of the running system until it is sold out, and an audit compares
 * every record of it. Exit code 0: all records agree. 1: they do not, or the show did not sell out, or something had no
 * answer for a minute. Any part of the system may be killed meanwhile.
 */

/** Short terms, so that abandoned holds expire and late money comes while the demo runs. */
const TERMS = {
  regular: { holdTtlSeconds: 5, paymentDeadlineSeconds: 30 },
  /** A pending payment takes two seconds: here it always comes too late. */
  hurried: { holdTtlSeconds: 5, paymentDeadlineSeconds: 1 },
};
const LOOK_EVERY_MS = 500;
/** After the last sale: payments that are still pending, refunds that are under way, what a killed part left behind. */
const QUIET_WITHIN_MS = 120_000;
/** A list of workflows follows them by a second or so: nothing has to be seen for two. */
const QUIET_LOOKS = 3;
const BUYERS_MAX = 1_000;
const MINUTES_MAX = 24 * 60;

interface Options {
  readonly buyers: number;
  readonly minutes: number;
}

/** How the storm ended. */
interface Sale {
  readonly soldOut: boolean;
  readonly progress: StormProgress;
}

async function demo({ buyers, minutes }: Options): Promise<boolean> {
  const system = runningSystem(process.env);
  if (!system) throw new Error('Nothing runs on this data folder. Start the system with `npm start`, then try again.');
  const { api, paymentSimulator } = system.addresses;
  if (paymentSimulator === null) throw new Error('The demo needs the payment simulator of `npm start`.');
  const show = await showToStorm(api, await ownStaffToken(process.env));
  console.log(
    `${plural(buyers, 'buyer')} storm “${show.title}”, ${plural(show.seats, 'seat')}, show ${show.id}.\n${show.why}`,
  );
  console.log(legend(TERMS.regular.holdTtlSeconds));
  const temporal = await connectedTo(system);
  const db = createDatabase(system.partSettings.DATABASE_URL, { poolMax: 2, log: createLogger('demo', 'silent') });
  const news = new News();
  try {
    const sale = await sellOut(system, show, { buyers, minutes }, news);
    const quiet = await isQuiet(temporal, show.id, news);
    const audit = await auditOnceQuiet({ db, temporal, api, paymentSimulator }, show.id, news);
    console.log(report({ show, audit, progress: sale.progress, news }));
    if (!sale.soldOut) console.log(`The show did not sell out within ${plural(minutes, 'minute')}.`);
    const lost = [...sale.progress.toldConfirmed].filter((id) => !audit.confirmed.has(id));
    return sale.soldOut && quiet && !news.hasFailures && lost.length === 0 && audit.differences.length === 0;
  } finally {
    await temporal.connection.close();
    await db.destroy();
  }
}

async function connectedTo({ partSettings }: RunningSystem): Promise<Client> {
  const [address, namespace] = [partSettings.TEMPORAL_ADDRESS, partSettings.TEMPORAL_NAMESPACE];
  try {
    return await connectClient({ address, namespace }, AbortSignal.timeout(PATIENCE_MS));
  } catch (error) {
    throw new Error(`Temporal at ${address}: no answer for ${PATIENCE_MS / 1_000} s`, { cause: error });
  }
}

/** What stops the storm early is noted; the audit comes all the same. */
async function sellOut(
  system: RunningSystem,
  show: StormedShow,
  { buyers, minutes }: Options,
  news: News,
): Promise<Sale> {
  const offices = await openBoxOffices(system, TERMS, (sentence) => news.happened(sentence));
  const stop = new AbortController();
  const { progress, over } = storm({
    showId: show.id,
    buyers,
    seatIds: show.seatIds,
    seatMap: () => seatMapOf(system, show, news),
    offices: offices.urls,
    random: Math.random,
    stop,
    onOvercome: news.overcome,
  });
  const watching = watch(system, show, progress, stop.signal, { minutes, news }).finally(() => stop.abort());
  try {
    const [watched, stormed] = await Promise.allSettled([watching, over]);
    for (const end of [watched, stormed]) if (end.status === 'rejected') news.failed(reasonOf(end.reason));
    return { soldOut: watched.status === 'fulfilled' && watched.value, progress };
  } finally {
    await offices.close();
  }
}

/** Shows how the hall fills until every seat is booked; true when it is. */
async function watch(
  system: RunningSystem,
  show: StormedShow,
  { visits }: StormProgress,
  signal: AbortSignal,
  { minutes, news }: { readonly minutes: number; readonly news: News },
): Promise<boolean> {
  const display = new Display(show.seats, visits);
  const deadlineMs = Date.now() + minutes * 60_000;
  try {
    while (!signal.aborted && Date.now() < deadlineMs) {
      await delay(LOOK_EVERY_MS);
      const statuses = await seatMapOf(system, show, news);
      const booked = counted(statuses, 'b');
      display.update(booked, counted(statuses, 'h'));
      if (booked + counted(statuses, 'x') === statuses.length) return true;
    }
    return false;
  } finally {
    display.stop();
  }
}

/** One letter a seat, in index order. */
async function seatMapOf(system: RunningSystem, show: StormedShow, news: News): Promise<string> {
  const url = `${system.addresses.api}/api/v1/shows/${show.id}/seats`;
  const { statuses } = await patiently(`GET ${url}`, () => getJson<{ statuses: string }>(url), news.overcome);
  return statuses;
}

/** Waits until no booking of the show and no late payment is under way; false, and a note, when some do not end. */
async function isQuiet(temporal: Client, showId: string, news: News): Promise<boolean> {
  const query =
    `${searchAttributes.showId} = '${showId}' AND ExecutionStatus = 'Running' AND ` +
    `WorkflowType IN ('bookingWorkflow', 'latePaymentWorkflow')`;
  const deadlineMs = Date.now() + QUIET_WITHIN_MS;
  for (let quiet = 0; quiet < QUIET_LOOKS;) {
    const { count } = await patiently(
      'Temporal, asked which workflows run',
      () => temporal.workflow.count(query),
      news.overcome,
    );
    quiet = count === 0 ? quiet + 1 : 0;
    if (Date.now() > deadlineMs) {
      news.failed(`${plural(count, 'workflow')} of the show did not end within ${QUIET_WITHIN_MS / 1_000} s: ${query}`);
      return false;
    }
    await delay(LOOK_EVERY_MS * 2);
  }
  return true;
}

/** An attempt whose part was killed is ended by the next sweep: until then its records may differ. */
async function auditOnceQuiet(sources: AuditSources, showId: string, news: News): Promise<ShowAudit> {
  const deadlineMs = Date.now() + PATIENCE_MS;
  for (;;) {
    const audit = await patiently('The audit', () => auditShow(sources, showId), news.overcome);
    if (audit.differences.length === 0 || Date.now() > deadlineMs) return audit;
    await delay(LOOK_EVERY_MS * 2);
  }
}

const counted = (text: string, character: string): number => text.split(character).length - 1;

const numberUpTo = (max: number, whole: boolean) => (text: string) => {
  const value = Number(text);
  if (value > 0 && value <= max && (!whole || Number.isInteger(value))) return value;
  throw new InvalidArgumentError(`It is a ${whole ? 'whole ' : ''}number above 0, up to ${max}.`);
};

const command = new Command('demo')
  .description('Storms the largest show of the running system until it is sold out, then audits the sale.')
  .option('--buyers <count>', 'buyers at the same time', numberUpTo(BUYERS_MAX, true), 64)
  .option('--minutes <count>', 'give up after so long', numberUpTo(MINUTES_MAX, false), 5);

demo(command.parse().opts<Options>()).then(
  (clean) => process.exit(clean ? 0 : 1),
  (error: unknown) => {
    console.error(reasonOf(error));
    process.exit(1);
  },
);
