import { readFile, stat } from 'node:fs/promises';
import { Command, CommanderError } from 'commander';
import { z } from 'zod';
import { PLAN_JSON_BYTES_MAX, parsePretixPlan, toPretixPlan, type PlanError } from '../domain/pretix-plan.ts';
import { seatLayout } from '../domain/seat-layout.ts';
import { seatsOf, type SeatingPlan } from '../domain/seating-plan.ts';
import { fingerprintOf } from '../platform/ids.ts';
import { namedFile, ownStaffToken, runningApi } from './running-system.ts';

/** `npm run import-plan -- FILE`: checks a pretix seating plan and gives it to the running system, whole or not at all. */

/** 0: imported, or valid with `--dry-run`. */
const PLAN_REFUSED = 1;
const NOT_DONE = 2;
/** The largest plan is read, checked and written within a few seconds. */
const ANSWER_TIMEOUT_MS = 60_000;

interface Options {
  readonly api?: string;
  readonly token?: string;
  readonly dryRun?: boolean;
}

/** Ends the command with a sentence for its user. */
class Stopped extends Error {
  readonly exitCode: number;
  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

async function importPlan(file: string, options: Options): Promise<void> {
  const plan = await readPlan(namedFile(file, process.env));
  console.log(summary(plan));
  if (options.dryRun) return console.log('Valid. Nothing was imported (--dry-run).');
  const id = await send(plan, options);
  console.log(`Imported as ${id}`);
}

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
    `${what} is not a valid seating plan, nothing was imported. ${errors.length} problems:`,
    ...errors.map(({ path, message }) => `  ${path || '(whole plan)'}: ${message}`),
  ].join('\n');

function summary(plan: SeatingPlan): string {
  const layout = seatLayout(plan);
  const seats = seatsOf(plan);
  const rows = plan.sections.reduce((sum, section) => sum + section.rows.length, 0);
  const perCategory = plan.categories.map(
    ({ id, name }) => `${name} ${seats.filter((seat) => seat.category === id).length}`,
  );
  return [
    plan.name,
    `  seats       ${seats.length} in ${plan.sections.length} sections, ${rows} rows`,
    `  neighbours  ${layout.runLengths.length} runs without an aisle, of ${Math.min(...layout.runLengths)} to ${Math.max(...layout.runLengths)} seats`,
    `  categories  ${perCategory.join(', ')}`,
    `  accessible  ${layout.accessibleSeats.length}, companions ${layout.companionSeats.length}`,
  ].join('\n');
}

/** Resolves to the plan's id. Sent again, the same plan is imported once: its key is its content. */
async function send(plan: SeatingPlan, options: Options): Promise<string> {
  const given = options.api ?? process.env.API_URL;
  const api = given ?? runningApi(process.env);
  if (!api) throw new Stopped(NOT_DONE, 'No running system was found: start it with npm start, or name it with --api.');
  const token = options.token ?? process.env.STAFF_TOKEN ?? (given ? undefined : await ownStaffToken(process.env));
  if (!token) throw new Stopped(NOT_DONE, 'A staff token is needed: --token, or STAFF_TOKEN.');
  const body = toPretixPlan(plan);
  const response = await answerOf(`${api.replace(/\/+$/, '').replace(/\/api\/v1$/, '')}/api/v1/admin/seating-plans`, {
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
  return created.parse(answer).id;
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

async function main(): Promise<void> {
  const command = new Command('import-plan')
    .description('Checks a pretix seating plan and imports it into the running system, whole or not at all.')
    .argument('<file>', "the plan, JSON in pretix's format")
    .option('--api <url>', 'address of the API (or API_URL); without it, the system that runs on DATA_DIR')
    .option('--token <token>', 'staff token (or STAFF_TOKEN)')
    .option('--dry-run', 'only check and describe the plan')
    .addHelpText(
      'after',
      '\nExits 0 when imported (or valid), 1 when the plan is refused, 2 when it could not be done.',
    )
    .exitOverride()
    .action(importPlan);
  try {
    await command.parseAsync();
  } catch (error) {
    // commander has said its part already.
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : NOT_DONE;
    else {
      console.error((error as Error).message);
      process.exitCode = error instanceof Stopped ? error.exitCode : NOT_DONE;
    }
  }
}

await main();
