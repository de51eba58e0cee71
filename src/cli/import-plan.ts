import { readFile, stat } from 'node:fs/promises';
import { Command } from 'commander';
import { z } from 'zod';
import { PLAN_JSON_BYTES_MAX, parsePretixPlan, toPretixPlan, type PlanError } from '../domain/pretix-plan.ts';
import { seatLayout } from '../domain/seat-layout.ts';
import { seatsOf, type SeatingPlan } from '../domain/seating-plan.ts';
import { fingerprintOf } from '../platform/ids.ts';
import { NOT_DONE, runCommand, Stopped } from './command.ts';
import { namedFile, ownStaffToken, runningApi } from './running-system.ts';

/** `npm run import-plan -- FILE`: checks a pretix seating plan and gives it to the running system, whole or not at all. */

/** 0: imported, or valid with `--dry-run`. */
const PLAN_REFUSED = 1;
/** The largest plan is read, checked and written within a few seconds. */
const ANSWER_TIMEOUT_MS = 60_000;

interface Options {
  readonly api?: string;
  readonly token?: string;
  readonly dryRun?: boolean;
}

async function importPlan(file: string, options: Options): Promise<void> {
  const plan = await readPlan(namedFile(file, process.env));
  console.log(summary(plan));
  if (options.dryRun) return console.log('Valid. Nothing was imported (--dry-run).');
  const { id, wasThere, api } = await send(plan, options);
  console.log(wasThere ? `It was there already, as ${id}: nothing was imported again.` : `Imported as ${id}`);
  console.log(nextSteps(id, api));
}

/** A plan sells nothing by itself. */
const nextSteps = (id: string, api: string): string =>
  [
    'Next, with a staff token: a screen, unless there is one, and a show with prices for the categories above:',
    `  POST ${api}/api/v1/admin/screens  {"theatreId", "name"}`,
    `  POST ${api}/api/v1/admin/shows    {"seatingPlanId": "${id}", "screenId", "movieId", …}`,
    `All fields: ${api}/docs`,
  ].join('\n');

async function readPlan(file: string): Promise<SeatingPlan> {
  const text = await readText(file);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Stopped(PLAN_REFUSED, `${file} is not JSON: ${(error as Error).message}`);
  }
  const parsed = parsePretixPlan(json);
  if (!parsed.ok) throw new Stopped(PLAN_REFUSED, refusal(file, parsed.errors));
  return parsed.plan;
}

async function readText(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size <= PLAN_JSON_BYTES_MAX) return await readFile(file, 'utf8');
  } catch (error) {
    throw new Stopped(NOT_DONE, `${file} can't be read: ${(error as Error).message}`);
  }
  throw new Stopped(PLAN_REFUSED, `${file} is larger than ${PLAN_JSON_BYTES_MAX / 1024 / 1024} MiB`);
}

const refusal = (what: string, errors: readonly PlanError[]): string =>
  [
    `${what} is not a valid seating plan, nothing was imported. ${counted(errors.length, 'problem')}:`,
    ...errors.map(({ path, message }) => `  ${path || '(whole plan)'}: ${message}`),
  ].join('\n');

function summary(plan: SeatingPlan): string {
  const layout = seatLayout(plan);
  const seats = seatsOf(plan);
  const rows = plan.sections.reduce((sum, section) => sum + section.rows.length, 0);
  const perCategory = plan.categories.map(
    ({ id, name }) => `“${name}” ${counted(seats.filter((seat) => seat.category === id).length, 'seat')}`,
  );
  return [
    plan.name,
    `  seats       ${seats.length} in ${counted(plan.sections.length, 'section')}, ${counted(rows, 'row')}`,
    `  neighbours  ${neighbours(layout.runLengths)}`,
    `  categories  ${perCategory.join(', ')}`,
    `  accessible  ${counted(layout.accessibleSeats.length, 'seat')}, and ${counted(layout.companionSeats.length, 'seat')} for companions`,
  ].join('\n');
}

/** How many stretches of seats side by side, without an aisle or a gap in them, and how long they are. */
function neighbours(runLengths: readonly number[]): string {
  const [shortest, longest] = [Math.min(...runLengths), Math.max(...runLengths)];
  const runs = counted(runLengths.length, 'run');
  if (shortest === longest) return `${runs} of ${counted(longest, 'seat')} side by side`;
  return `${runs} of ${shortest} to ${longest} seats side by side`;
}

const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;

interface Sent {
  readonly id: string;
  /** The same plan was imported before. */
  readonly wasThere: boolean;
  /** Base address of the API, without a path. */
  readonly api: string;
}

/** Sent again, the same plan is imported once: its key is its content. */
async function send(plan: SeatingPlan, options: Options): Promise<Sent> {
  const given = options.api ?? process.env.API_URL;
  const api = (given ?? runningApi(process.env))?.replace(/\/+$/, '').replace(/\/api\/v1$/, '');
  if (!api) throw new Stopped(NOT_DONE, 'No running system was found: start it with npm start, or name it with --api.');
  const token = options.token ?? process.env.STAFF_TOKEN ?? (given ? undefined : await ownStaffToken(process.env));
  if (!token) throw new Stopped(NOT_DONE, 'A staff token is needed: --token, or STAFF_TOKEN.');
  const body = toPretixPlan(plan);
  const response = await answerOf(`${api}/api/v1/admin/seating-plans`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
      'idempotency-key': `import-plan-${fingerprintOf(body)}`,
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  });
  const answer: unknown = await response.json().catch(() => null);
  if (response.status !== 201) throw refused(response.status, answer);
  return { id: created.parse(answer).id, wasThere: response.headers.get('idempotent-replayed') === 'true', api };
}

async function answerOf(url: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, request);
  } catch (error) {
    const cause = (error as Error).cause instanceof Error ? ((error as Error).cause as Error) : (error as Error);
    throw new Stopped(NOT_DONE, `${url} did not answer: ${cause.message}. Running the command again is safe.`);
  }
}

const created = z.object({ id: z.string() });
const problem = z.object({
  title: z.string(),
  code: z.string(),
  detail: z.string().optional(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).default([]),
});

function refused(status: number, answer: unknown): Stopped {
  const { data } = problem.safeParse(answer);
  if (data === undefined) return new Stopped(NOT_DONE, `The system answered ${status}.`);
  if (data.code === 'PLAN_INVALID') return new Stopped(PLAN_REFUSED, refusal('For the system this', data.errors));
  return new Stopped(NOT_DONE, `The system refused (${status} ${data.code}): ${data.detail ?? data.title}`);
}

const command = new Command('import-plan')
  .description('Checks a pretix seating plan and imports it into the running system, whole or not at all.')
  .argument('<file>', "the plan, JSON in pretix's format")
  .option('--api <url>', 'address of the API (or API_URL); without it, the system that runs on DATA_DIR')
  .option('--token <token>', 'staff token (or STAFF_TOKEN)')
  .option('--dry-run', 'only check and describe the plan')
  .addHelpText('after', '\nExits 0 when imported (or valid), 1 when the plan is refused, 2 when it could not be done.')
  .action(importPlan);

await runCommand(command);
