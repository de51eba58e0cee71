import { Command } from 'commander';
import { isoTime } from '../contracts/http/primitives.ts';
import { createDatabase, type ReadModel } from '../read-model/database.ts';
import { findParked, listParked, outboxBacklog, type ParkedDelivery, resendParked } from '../read-model/outbox.ts';
import { NOT_DONE, runCommand, Stopped } from './command.ts';
import { runningSystem } from './running-system.ts';

/** `npm run outbox -- list | show ID | resend --id ID | resend --all`: what was told to nobody, and telling it again. */

/** 1: there is no such delivery; nothing was sent again. */
const NOTHING_DONE = 1;
const SHOWN_DEFAULT = 20;
const SHOWN_MAX = 100;
/** Of one statement. */
const RESENT_AT_ONCE = 1_000;

async function list(db: ReadModel, options: { readonly queue?: string; readonly limit: string }): Promise<void> {
  const { queues, notHandedOutMs } = await outboxBacklog(db);
  console.log(`Oldest event that no relay has taken up: ${seconds(notHandedOutMs)}`);
  for (const { queue, waiting, overdueMs, parked } of queues) {
    const due = waiting > 0 && overdueMs > 0 ? `, due for ${seconds(overdueMs)}` : '';
    console.log(`${queue}: ${waiting} waiting${due}, ${parked} given up`);
  }
  const limit = Math.min(Math.max(1, Number(options.limit) || SHOWN_DEFAULT), SHOWN_MAX);
  const { items, nextCursor } = await listParked(db, { queue: options.queue }, { limit });
  if (items.length === 0) return console.log('Nothing was given up.');
  console.log(`\nGiven up, the longest ago first${nextCursor === null ? '' : ` (the first ${limit})`}:`);
  for (const each of items) console.log(line(each));
}

const line = ({ id, queue, type, bookingId, tries, parkedAtMs, lastError }: ParkedDelivery): string =>
  [`prk_${id}`, isoTime(parkedAtMs), queue, type ?? '(gone)', bookingId, `${tries} tries`, firstLine(lastError)].join(
    '  ',
  );

const firstLine = (text: string): string => text.split('\n', 1)[0]!;
const seconds = (ms: number): string => `${Math.round(ms / 1_000)} s`;

async function show(db: ReadModel, id: string): Promise<void> {
  const parked = await findParked(db, numberOf(id));
  if (!parked) throw new Stopped(NOTHING_DONE, `There is no ${id}: perhaps it was sent again.`);
  console.log(line(parked));
  console.log(`event evt_${parked.eventId}, first failed ${isoTime(parked.firstFailedAtMs)}`);
  console.log(`last error: ${parked.lastError}`);
  console.log(JSON.stringify(parked.payload, null, 2));
}

interface Resending {
  readonly id?: string;
  readonly all?: boolean;
  readonly queue?: string;
}

async function resend(db: ReadModel, { id, all = false, queue }: Resending): Promise<void> {
  if ((id === undefined) === !all) throw new Stopped(NOT_DONE, 'Say which: --id prk_… or --all.');
  const resent = id === undefined ? await resendAll(db, queue) : await resendParked(db, { id: numberOf(id) });
  if (resent === 0) throw new Stopped(NOTHING_DONE, 'There was nothing to send again.');
  console.log(`${resent} put back: the relay hands them over now.`);
}

async function resendAll(db: ReadModel, queue: string | undefined): Promise<number> {
  let resent = 0;
  for (;;) {
    const more = await resendParked(db, { queue, limit: RESENT_AT_ONCE });
    resent += more;
    if (more < RESENT_AT_ONCE) return resent;
  }
}

function numberOf(id: string): number {
  const number = Number(/^(?:prk_)?(\d{1,15})$/.exec(id)?.[1]);
  if (Number.isNaN(number)) throw new Stopped(NOT_DONE, `${id} is not the id of a delivery that was given up: prk_…`);
  return number;
}

async function withDatabase(work: (db: ReadModel) => Promise<void>): Promise<void> {
  const url = process.env.DATABASE_URL ?? runningSystem(process.env)?.partSettings.DATABASE_URL;
  if (url === undefined) {
    throw new Stopped(NOT_DONE, 'No running system was found: start it with npm start, or name its DATABASE_URL.');
  }
  const log = { warn: () => undefined, info: () => undefined };
  const db = createDatabase(url, { poolMax: 1, log });
  try {
    await work(db);
  } finally {
    await db.destroy();
  }
}

const command = new Command('outbox')
  .description('Events that wait for their consumers, and those that were given up.')
  .addHelpText('after', '\nExits 0 when done, 1 when there was nothing to do it to, 2 when it could not be done.');
command
  .command('list')
  .description('what waits in each queue, and what was given up')
  .option('--queue <name>', 'only this queue: notifications, webhook/whe_…')
  .option('--limit <count>', 'how many are named', String(SHOWN_DEFAULT))
  .action((options: { queue?: string; limit: string }) => withDatabase((db) => list(db, options)));
command
  .command('show <id>')
  .description('one that was given up: its event, and why')
  .action((id: string) => withDatabase((db) => show(db, id)));
command
  .command('resend')
  .description('puts what was given up back into its queue')
  .option('--id <id>', 'this one')
  .option('--all', 'all of them')
  .option('--queue <name>', 'with --all: of this queue')
  .action((options: Resending) => withDatabase((db) => resend(db, options)));

await runCommand(command);
