import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** How much of an attack. */
export interface AttackPlan {
  readonly phases: readonly ('examples' | 'coverage' | 'fuzzing' | 'stateful')[];
  /** Requests made up for each operation by fuzzing. */
  readonly examples: number;
  /** Rows of requests, each made of the answers to those before it. */
  readonly chains: number;
  readonly seed: number;
  readonly timeoutMs: number;
}

/** What is there to be attacked: ids by what they are of, so that an attack gets past `404`. */
export interface Targets {
  readonly apiUrl: string;
  /** Takes what partners' endpoints are sent. */
  readonly partnerUrl: string;
  readonly ids: Readonly<Record<IdKind, readonly string[]>>;
  readonly seatIds: readonly string[];
}

export interface AttackReport {
  /** Requests that were sent and whose answers were checked. */
  readonly cases: number;
  /** `code title: n` of what was found; empty: nothing. */
  readonly found: readonly string[];
  /** All that Schemathesis says. */
  readonly output: string;
}

/** In paths, by the path's beginning; and the names that fields of bodies and queries have for them. */
const idKinds = {
  show: { paths: ['/shows/', '/admin/shows/'], fields: ['body.showId'] },
  booking: { paths: ['/bookings/'], fields: [] },
  plan: { paths: ['/seating-plans/'], fields: ['body.seatingPlanId'] },
  theatre: { paths: ['/theatres/', '/admin/theatres/'], fields: ['body.theatreId', 'query.theatre'] },
  movie: { paths: ['/movies/'], fields: ['body.movieId', 'query.movie'] },
  screen: { paths: [], fields: ['body.screenId'] },
  city: { paths: [], fields: ['body.cityId', 'query.city'] },
  endpoint: { paths: ['/admin/webhook-endpoints/'], fields: [] },
  reconciliation: { paths: ['/admin/reconciliations/'], fields: [] },
} as const;
export type IdKind = keyof typeof idKinds;
const kinds = Object.keys(idKinds) as IdKind[];

/** What the payment simulator knows, but for those that keep a caller waiting. */
const paymentTokens = [
  ...['tok_ok', 'tok_declined', 'tok_insufficient_funds', 'tok_pending', 'tok_pending_fail', 'tok_redirect'],
  ...['tok_500_twice', 'tok_down', 'tok_refund_pending', 'tok_refund_fails_twice'],
];
/** Of what is made up, so much is taken from what there is. */
const KNOWN_SHARE = 0.8;

/**
 * Sends what Schemathesis makes up of the API's own description, by all of its checks; as whoever the token is of, or as
 * nobody.
 * @param python of `obtainSchemathesis`
 */
export async function attack(
  python: string,
  targets: Targets,
  token: string | null,
  plan: AttackPlan,
): Promise<AttackReport> {
  const folder = await mkdtemp(join(tmpdir(), 'seatkeeper-attack-'));
  const [settingsFile, reportFile, outputFile] = ['settings.toml', 'report.json', 'output.txt'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  try {
    await writeFile(settingsFile, settings(targets, token, plan));
    const { apiUrl } = targets;
    await run(
      python,
      [
        ...['-m', 'schemathesis.cli', '--config-file', settingsFile, 'run', `${apiUrl}/api/v1/openapi.json`],
        ...['--url', apiUrl, '--phases', plan.phases.join(','), '--report', 'json', '--report-json-path', reportFile],
      ],
      { cwd: folder, env: { ...process.env, ...hookSettings(targets), NO_COLOR: '1', PYTHONDONTWRITEBYTECODE: '1' } },
      outputFile,
      plan.timeoutMs,
    );
    const output = await readFile(outputFile, 'utf8');
    return { ...summaryOf(await readFile(reportFile, 'utf8'), output), output };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** For `attack_hooks.py`: what is there, one of each prefix. */
const hookSettings = ({ ids, partnerUrl }: Targets) => ({
  ATTACK_PARTNER_URL: partnerUrl,
  ATTACK_IDS: JSON.stringify(
    Object.fromEntries(kinds.flatMap((kind) => ids[kind].map((id) => [id.slice(0, 'bkg'.length), id] as const))),
  ),
});

/** Schemathesis' settings, in TOML; a string of JSON is one of TOML too. */
function settings({ ids, seatIds }: Targets, token: string | null, { seed, examples, chains }: AttackPlan): string {
  const known = (dictionary: string) => `{ dictionary = "${dictionary}", probability = ${KNOWN_SHARE} }`;
  const dictionary = (name: string, values: readonly string[]) =>
    `[dictionaries.${name}]\nvalues = ${JSON.stringify(values)}\n`;
  const inPath = (kind: IdKind, path: string) =>
    `[[operations]]\ninclude-path-regex = ${JSON.stringify(`^/api/v1${path}[{]id[}]`)}\n` +
    `parameters = { "path.id" = ${known(kind)} }\n`;
  return [
    `seed = ${seed}`,
    // The first event of a stream; the next one may be a long time coming.
    'max-stream-events = 1',
    'request-timeout = 20',
    'continue-on-failure = true',
    `hooks = ${JSON.stringify(join(import.meta.dirname, 'attack_hooks.py'))}`,
    ...(token === null ? [] : ['[headers]', `Authorization = "Bearer ${token}"`]),
    `[generation]\nmax-examples = ${examples}\ndatabase = "none"\nallow-x00 = false`,
    `[phases.stateful.generation]\nmax-examples = ${chains}`,
    // What is too large is refused before it is looked at.
    '[checks.negative_data_rejection]',
    'expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429]',
    '[checks.missing_required_header]',
    'expected-statuses = [400, 401, 403, 404, 415, 422, 428]',
    ...kinds.map((kind) => dictionary(kind, ids[kind])),
    dictionary('seat', seatIds),
    dictionary('token', paymentTokens),
    dictionary('provider', ['simulator', 'simulator-backup', 'stripe']),
    '[parameters]',
    ...kinds.flatMap((kind) => idKinds[kind].fields.map((field) => `"${field}" = ${known(kind)}`)),
    `"body.seatIds[*]" = ${known('seat')}`,
    `"body.token" = ${known('token')}`,
    `"path.provider" = ${known('provider')}`,
    ...kinds.flatMap((kind) => idKinds[kind].paths.map((path) => inPath(kind, path))),
  ].join('\n');
}

async function run(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
  outputFile: string,
  timeoutMs: number,
): Promise<void> {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = createWriteStream(outputFile);
  child.stdout.pipe(output, { end: false });
  child.stderr.pipe(output, { end: false });
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  await once(child, 'close');
  clearTimeout(timer);
  output.end();
  await once(output, 'close');
}

interface JsonReport {
  readonly test_cases: { readonly generated: number };
  readonly failures: readonly { readonly code: string; readonly title: string; readonly count: number }[];
  readonly errors: readonly { readonly title?: string }[];
  readonly complete: boolean;
}

/** @throws Error where it did not come to its end */
function summaryOf(json: string, output: string): Pick<AttackReport, 'cases' | 'found'> {
  if (json === '') throw new Error(`Schemathesis did not come to its end:\n${output.slice(-5_000)}`);
  const { test_cases, failures, errors, complete } = JSON.parse(json) as JsonReport;
  const found = [
    ...failures.map(({ code, title, count }) => `${code} ${title}: ${count}`),
    ...errors.map((error) => `error: ${JSON.stringify(error)}`),
    ...(complete ? [] : ['it did not come to its end']),
  ];
  return { cases: test_cases.generated, found };
}
