import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { Presets, SingleBar } from 'cli-progress';
import { Command } from 'commander';
import { connectClient } from '../../temporal/connection.ts';
import { searchAttributes } from '../contracts/workflow-ids.ts';
import { createLogger } from '../platform/logger.ts';
import { createDatabase } from '../read-model/database.ts';
import { auditShow, type ShowAudit } from './audit.ts';
import { type BoxOffice, openBoxOffice } from './demo/box-office.ts';
import { getJson, showToStorm, type StormedShow } from './demo/show-to-storm.ts';
import { storm, type StormProgress } from './demo/storm.ts';
import { ownStaffToken, runningSystem, type RunningSystem } from './running-system.ts';

/**
 * `npm run demo`: many buyers storm the largest show of the running system until it is sold out, and an audit compares
 * every record of it. Exit code 0: all records agree. 1: they do not, or the show did not sell out.
 */

/** Short terms, so that abandoned holds expire and late money comes while the demo runs. */
const REGULAR_TERMS = { holdTtlSeconds: 8, paymentDeadlineSeconds: 30 };
/** A pending payment takes two seconds: here it always comes too late. */
const HURRIED_TERMS = { holdTtlSeconds: 8, paymentDeadlineSeconds: 1 };
const LOOK_EVERY_MS = 500;
/** After the last sale: payments that are still pending, refunds that are under way. */
const QUIET_WITHIN_MS = 120_000;

interface Options {
  readonly buyers: number;
  readonly minutes: number;
}

async function demo({ buyers, minutes }: Options): Promise<boolean> {
  const system = runningSystem(process.env);
  if (!system) throw new Error('Nothing runs on this data folder. Start the system with `npm start`, then try again.');
  const { api, paymentSimulator } = system.addresses;
  if (paymentSimulator === null) throw new Error('The demo needs the payment simulator of `npm start`.');
  const show = await showToStorm(api, await ownStaffToken(process.env));
  console.log(`${buyers} buyers storm “${show.title}”, ${show.seats} seats, show ${show.id}`);
  const temporal = await connectClient({
    address: system.partSettings.TEMPORAL_ADDRESS,
    namespace: system.partSettings.TEMPORAL_NAMESPACE,
  });
  const db = createDatabase(system.partSettings.DATABASE_URL, { poolMax: 2, log: createLogger('demo', 'warn') });
  try {
    const { soldOut, progress } = await sellOut(system, show, { buyers, minutes });
    await untilQuiet(temporal, show.id);
    const audit = await auditShow({ db, temporal, api, paymentSimulator }, show.id);
    print(audit, progress);
    if (!soldOut) console.log(`The show did not sell out within ${minutes} minutes.`);
    return soldOut && audit.differences.length === 0;
  } finally {
    await temporal.connection.close();
    await db.destroy();
  }
}

async function sellOut(
  system: RunningSystem,
  show: StormedShow,
  { buyers, minutes }: Options,
): Promise<{ soldOut: boolean; progress: StormProgress }> {
  const regular = await openBoxOffice(system, REGULAR_TERMS);
  const hurried = await openBoxOffice(system, HURRIED_TERMS);
  const stop = new AbortController();
  const running = storm({
    showId: show.id,
    buyers,
    offices: { regular: regular.url, hurried: hurried.url },
    random: Math.random,
    signal: stop.signal,
  });
  running.over.catch(() => stop.abort());
  try {
    const soldOut = await watch(system, show, running.progress, stop.signal, minutes);
    stop.abort();
    await running.over;
    return { soldOut, progress: running.progress };
  } finally {
    stop.abort();
    await Promise.all([regular, hurried].map((office: BoxOffice) => office.close()));
  }
}

/** Shows how the hall fills until every seat is booked. */
async function watch(
  system: RunningSystem,
  show: StormedShow,
  { visits }: StormProgress,
  signal: AbortSignal,
  minutes: number,
): Promise<boolean> {
  const bar = new SingleBar(
    {
      format:
        '{bar} {value}/{total} booked · {held} held · {duration_formatted}\n' +
        '  confirmed {confirmed} · abandoned {abandoned} · released {released} · late {late} · refused {refused}',
      noTTYOutput: true,
      notTTYSchedule: 5_000,
    },
    Presets.shades_classic,
  );
  bar.start(show.seats, 0, { held: 0, ...visits });
  const deadlineMs = Date.now() + minutes * 60_000;
  let soldOut = false;
  while (!soldOut && !signal.aborted && Date.now() < deadlineMs) {
    await delay(LOOK_EVERY_MS);
    const { statuses } = await getJson<{ statuses: string }>(`${system.addresses.api}/api/v1/shows/${show.id}/seats`);
    const [booked, held] = [counted(statuses, 'b'), counted(statuses, 'h')];
    bar.update(booked, { held, ...visits });
    soldOut = booked + counted(statuses, 'x') === statuses.length;
  }
  bar.stop();
  return soldOut;
}

/** Waits until no booking of the show and no late payment is under way. */
async function untilQuiet(temporal: Client, showId: string): Promise<void> {
  const query =
    `${searchAttributes.showId} = '${showId}' AND ExecutionStatus = 'Running' AND ` +
    `WorkflowType IN ('bookingWorkflow', 'latePaymentWorkflow')`;
  const deadlineMs = Date.now() + QUIET_WITHIN_MS;
  for (let quiet = 0; quiet < 2;) {
    const { count } = await temporal.workflow.count(query);
    // Visibility follows the workflows by a moment: nothing has to be seen twice.
    quiet = count === 0 ? quiet + 1 : 0;
    if (Date.now() > deadlineMs) throw new Error(`${count} workflows of the show have not ended: ${query}`);
    await delay(LOOK_EVERY_MS * 2);
  }
}

function print({ figures, differences }: ShowAudit, { visits }: StormProgress): void {
  const { seatsSold, money } = figures;
  console.log(
    `\nVisits: ${Object.entries(visits)
      .map(([what, number]) => `${number} ${what}`)
      .join(', ')}`,
  );
  console.log(`Audit of ${figures.bookings} confirmed bookings, ${figures.seats} seats:`);
  console.log(
    `  seats sold      bookings ${seatsSold.bookings} · booked_seats ${seatsSold.rows} · ` +
      `show workflow ${seatsSold.workflow} · API ${seatsSold.api}`,
  );
  console.log(
    `  captured−refunded, minor units      owed ${money.owed} · payments ${money.payments} · ledger ${money.ledger}`,
  );
  for (const difference of differences) console.log(`  DIFFERENCE: ${difference}`);
  console.log(differences.length === 0 ? 'All records agree.' : `${differences.length} differences.`);
}

const counted = (text: string, character: string): number => text.split(character).length - 1;

const command = new Command('demo')
  .description('Storms the largest show of the running system until it is sold out, then audits the sale.')
  .option('--buyers <count>', 'buyers at the same time', Number, 64)
  .option('--minutes <count>', 'give up after so long', Number, 5);

demo(command.parse().opts<Options>()).then(
  (clean) => process.exit(clean ? 0 : 1),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
