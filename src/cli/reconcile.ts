import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { pipeline } from 'node:stream/promises';
import { Presets, SingleBar } from 'cli-progress';
import { Command, InvalidArgumentError } from 'commander';
import { stringify } from 'csv-stringify';
import type {
  ReconciliationBody,
  ReconciliationFindingBody,
  ReconciliationFindingPageBody,
} from '../contracts/http/reconciliation.ts';
import type { Problem } from '../contracts/http/problems.ts';
import type { Money } from '../domain/money.ts';
import { differenceClasses } from '../domain/reconciliation.ts';
import { NOT_DONE, runCommand, Stopped } from './command.ts';
import { patiently, reasonOf } from './patience.ts';
import { namedFile, ownStaffToken, runningApi } from './running-system.ts';

/**
 * `npm run reconcile -- --from … --to …`: has the running system compare all records of a window, and shows how far it
 * is. The work is a workflow's: this command may be ended at any time, and the same command finds the run again.
 */

/** 0: no difference is left open. */
const DIFFERENCES_LEFT = 1;
const LOOK_EVERY_MS = 500;
const ANSWER_TIMEOUT_MS = 15_000;
const PAGE = 100;
/** Differences that are named on the screen; all are in the CSV. */
const SHOWN_MAX = 20;

interface Options {
  readonly from?: string;
  readonly to?: string;
  /** Of a run that there is, whoever has started it. */
  readonly run?: string;
  readonly dryRun?: boolean;
  readonly repair?: boolean;
  readonly csv?: string;
  readonly api?: string;
  readonly token?: string;
}

interface Api {
  get<Body>(path: string): Promise<Body>;
  post<Body>(path: string, body: unknown): Promise<Body>;
}

async function reconcile(options: Options): Promise<void> {
  if (options.csv !== undefined) await expectWritable(namedFile(options.csv, process.env));
  const api = await apiOf(options);
  const begun = await runOf(api, options);
  console.log(`Run ${begun.id}: ${begun.from} to ${begun.to}, ${begun.mode}. Ctrl-C leaves it running.`);
  const run = await watch(api, begun);
  const open = await report(api, run, options);
  if (run.status === 'STOPPED') throw new Stopped(NOT_DONE, `The run was stopped: ${run.stoppedBecause}.`);
  process.exitCode = open > 0 ? DIFFERENCES_LEFT : 0;
}

function runOf(api: Api, { run, from, to, dryRun = false, repair = false }: Options): Promise<ReconciliationBody> {
  if (run !== undefined) return api.get(`/admin/reconciliations/${encodeURIComponent(run)}`);
  if (from === undefined || to === undefined) {
    throw new Stopped(NOT_DONE, 'Which window? --from and --to, or --run with the name of a run.');
  }
  return api.post('/admin/reconciliations', { from, to, dryRun, repair });
}

/** Shows the run's progress until its end. A system that is away is waited for. */
async function watch(api: Api, begun: ReconciliationBody): Promise<ReconciliationBody> {
  const [fromMs, toMs] = [Date.parse(begun.from), Date.parse(begun.to)];
  const bar = new SingleBar(
    { format: '{bar} {phase} · {bookings} bookings, {found} differences', hideCursor: true, noTTYOutput: false },
    Presets.shades_classic,
  );
  const shown = ({ phase, counts }: ReconciliationBody) => ({ phase, bookings: counts.bookings, found: counts.found });
  bar.start(toMs - fromMs, 0, shown(begun));
  try {
    for (;;) {
      const run = await unlessRefused('the run', () =>
        api.get<ReconciliationBody>(`/admin/reconciliations/${begun.id}`),
      );
      bar.update((run.doneUntil === null ? fromMs : Date.parse(run.doneUntil)) - fromMs, shown(run));
      if (run.status !== 'RUNNING') return run;
      await delay(LOOK_EVERY_MS);
    }
  } finally {
    bar.stop();
  }
}

/** A system that is away is waited for; what it refuses, it would refuse again. */
async function unlessRefused<Body>(what: string, ask: () => Promise<Body>): Promise<Body> {
  const asked = await patiently(what, () =>
    ask().then(
      (body) => ({ body }),
      (error: unknown) => {
        if (error instanceof Stopped) return { error };
        throw error;
      },
    ),
  );
  if ('error' in asked) throw asked.error;
  return asked.body;
}

/** Tells what was found, in words and as CSV; gives how many differences are not settled. */
async function report(api: Api, run: ReconciliationBody, { csv }: Options): Promise<number> {
  let open = 0;
  let count = 0;
  async function* rows(): AsyncGenerator<Readonly<Record<string, string | number>>> {
    for await (const finding of findingsOf(api, run.id)) {
      if (finding.state !== 'REPAIRED' && finding.state !== 'RESOLVED') open += 1;
      if (count++ < SHOWN_MAX) console.log(inWords(finding, run.mode));
      yield csvRow(finding);
    }
  }
  if (csv === undefined) for await (const _ of rows());
  else await writeCsv(namedFile(csv, process.env), rows());
  const { counts } = run;
  if (count > SHOWN_MAX)
    console.log(`… and ${count - SHOWN_MAX} more${csv === undefined ? ': write them with --csv' : ''}`);
  console.log(
    `Bookings: ${counts.bookings}, movements of money: ${counts.movements}, shows: ${counts.shows}. ` +
      `Differences: ${counts.found}, acted on: ${counts.acted}, open: ${open}.`,
  );
  return open;
}

async function* findingsOf(api: Api, runId: string): AsyncGenerator<ReconciliationFindingBody> {
  let cursor: string | null = '';
  while (cursor !== null) {
    const after: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const path = `/admin/reconciliations/${runId}/findings?limit=${PAGE}${after}`;
    const page = await api.get<ReconciliationFindingPageBody>(path);
    yield* page.items;
    cursor = page.nextCursor;
  }
}

function inWords(
  { class: kind, subject, detail, done, state, whatToDo }: ReconciliationFindingBody,
  mode: ReconciliationBody['mode'],
): string {
  const isRepairable = differenceClasses[kind].repair !== null && mode !== 'repair';
  const toDo = isRepairable ? 'Have it settled, by a run with --repair.' : whatToDo;
  const isLeft = done === null && state !== 'RESOLVED' && state !== 'REPAIRED';
  return `${kind} ${subject}: ${detail}\n  ${isLeft ? `to do: ${toDo}` : `${state ?? ''}: ${done ?? 'it is gone'}`}`;
}

/** Before the work is done for it. */
async function expectWritable(file: string): Promise<void> {
  const opened = await open(file, 'a').catch((error: unknown) => {
    throw new Stopped(NOT_DONE, `The report can't be written: ${reasonOf(error)}.`);
  });
  await opened.close();
}

/** Spreadsheets run what looks like a formula: `escape_formulas` has them take it for text. */
async function writeCsv(file: string, rows: AsyncIterable<unknown>): Promise<void> {
  const columns = Object.keys(csvColumns);
  await pipeline(rows, stringify({ header: true, columns, escape_formulas: true, bom: true }), createWriteStream(file));
  console.log(`Written: ${file}`);
}

const csvColumns: Readonly<Record<string, (finding: ReconciliationFindingBody) => string>> = {
  class: (finding) => finding.class,
  subject: ({ subject }) => subject,
  state: ({ state }) => state ?? '',
  booking: ({ bookingId }) => bookingId ?? '',
  show: ({ showId }) => showId ?? '',
  attempt: ({ attemptId }) => attemptId ?? '',
  refund: ({ refundId }) => refundId ?? '',
  seats: ({ seats }) => seats.join(' '),
  due: ({ due }) => amount(due),
  found: ({ found }) => amount(found),
  detail: ({ detail }) => detail,
  done: ({ done }) => done ?? '',
  'what it is': ({ whatItIs }) => whatItIs,
  'what to do': ({ whatToDo }) => whatToDo,
};

const csvRow = (finding: ReconciliationFindingBody): Record<string, string> =>
  Object.fromEntries(Object.entries(csvColumns).map(([name, valueIn]) => [name, valueIn(finding)]));

/** Minor units. */
const amount = (money: Money | null): string => (money ? `${money.amount} ${money.currency}` : '');

async function apiOf(options: Pick<Options, 'api' | 'token'>): Promise<Api> {
  const given = options.api ?? process.env.API_URL;
  const base = (given ?? runningApi(process.env))?.replace(/\/+$/, '').replace(/\/api\/v1$/, '');
  if (!base)
    throw new Stopped(NOT_DONE, 'No running system was found: start it with npm start, or name it with --api.');
  const tokenOf = async () =>
    options.token ?? process.env.STAFF_TOKEN ?? (given ? undefined : await ownStaffToken(process.env));
  if ((await tokenOf()) === undefined) throw new Stopped(NOT_DONE, 'A staff token is needed: --token, or STAFF_TOKEN.');
  const call = async <Body>(method: string, path: string, body?: unknown): Promise<Body> => {
    const response = await fetch(`${base}/api/v1${path}`, {
      method,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await tokenOf()}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
    const answer = (await response.json()) as Body & Pick<Problem, 'detail' | 'errors'>;
    if (response.ok) return answer;
    const said = `${method} ${path}: ${response.status} ${answer.detail ?? ''} ${wrongFields(answer.errors)}`.trimEnd();
    throw response.status < 500 ? new Stopped(NOT_DONE, said) : new Error(said);
  };
  return { get: (path) => call('GET', path), post: (path, body) => call('POST', path, body) };
}

const wrongFields = (errors: Problem['errors'] = []): string =>
  errors.map(({ path, message }) => `${path} ${message}`).join('; ');

/** Any time that says what it means. A date alone is its midnight UTC; a time without a zone is the machine's. */
function time(text: string): string {
  const timeMs = Date.parse(text);
  if (Number.isNaN(timeMs)) throw new InvalidArgumentError('not a time such as 2026-11-20T18:00Z');
  return new Date(timeMs).toISOString();
}

const command = new Command('reconcile')
  .description('Compares the provider’s books, bookings, shows and read model over a window of the past.')
  .option('--from <time>', 'beginning of the window: a time, or a date (midnight UTC)', time)
  .option('--to <time>', 'its end', time)
  .option('--run <id>', 'no new run: the report of this one, of the schedule or of anybody')
  .option('--dry-run', 'change nothing at all; only report')
  .option('--repair', 'bring about what has one right answer')
  .option('--csv <file>', 'write the report as CSV, too')
  .option('--api <url>', 'address of the API (or API_URL); without it, the system that runs on DATA_DIR')
  .option('--token <token>', 'staff token (or STAFF_TOKEN)')
  .addHelpText('after', '\nExits 0 when no difference is left open, 1 when one is, 2 when it could not be done.')
  .action(reconcile);

await runCommand(command);
