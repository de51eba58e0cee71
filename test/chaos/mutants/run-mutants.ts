import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../../temporal/server/run-command.ts';
import { chaosSecrets, Cluster, times } from '../cluster.ts';
import { faults } from '../faults/schedule.ts';
import { checkHistory } from '../linearizability/check.ts';
import { Partner } from '../partner.ts';
import { runSeed } from '../run.ts';
import { mutatedCopy, treeRoot } from './apply.ts';
import type { Mutant, NamedTest } from './mutants.ts';

/** The slowest of the named tests waits for payment deadlines to pass. */
const TEST_TIMEOUT_MS = 10 * 60_000;
/** Of what a chaos run has to say so much is put down. */
const MESSAGE_MAX = 160;

export interface MutantRunOptions {
  readonly seed: number;
  /** Clients and faults of a chaos run last so long; 0: no chaos runs. */
  readonly seconds: number;
}

export interface Caught {
  readonly mutant: Mutant;
  /** Names of the tests that failed; null: none. */
  readonly byTests: readonly string[] | null;
  /** Null: none was made. */
  readonly byRun: CaughtByRun | null;
}

/** What a chaos run has to say; null: it has not noticed. */
interface CaughtByRun {
  readonly seconds: number;
  readonly audit: string | null;
  readonly history: string | null;
}

/** By its test: a chaos run sees what chance lets it meet. */
export const isCaught = ({ byTests }: Caught): boolean => byTests !== null;

/**
 * One mutant after the other; the table of what caught each goes to `.data/chaos/mutants.md`.
 * @returns those that nothing has caught
 */
export async function runMutants(
  mutants: readonly Mutant[],
  options: MutantRunOptions,
  tell: (line: string) => void,
): Promise<readonly Mutant[]> {
  const folder = join(treeRoot, '.data', 'chaos');
  await mkdir(folder, { recursive: true });
  const all: Caught[] = [];
  for (const mutant of mutants) {
    const startedMs = performance.now();
    const caught = await runMutant(mutant, options);
    all.push(caught);
    await writeFile(join(folder, 'mutants.md'), `${tableOf(all)}\n`);
    const seconds = Math.round((performance.now() - startedMs) / 1_000);
    tell(`${isCaught(caught) ? 'caught' : 'NOT CAUGHT'} in ${seconds} s: ${mutant.name}`);
    const { audit = null, history = null } = caught.byRun ?? {};
    for (const by of [...(caught.byTests ?? []), history, audit]) if (by !== null) tell(`  ${by}`);
  }
  tell(`\n${tableOf(all)}\n`);
  return all.filter((caught) => !isCaught(caught)).map(({ mutant }) => mutant);
}

/** Runs what is to notice the mistake, on a copy of the tree that has it. */
export async function runMutant(mutant: Mutant, options: MutantRunOptions): Promise<Caught> {
  const copy = await mutatedCopy(mutant);
  try {
    const byTests = await failingTests(copy.root, mutant.test);
    const runsChaos = options.seconds > 0 && (mutant.isSeenByClients || byTests === null);
    return { mutant, byTests, byRun: runsChaos ? await chaosRun(copy.root, options) : null };
  } finally {
    await copy.remove();
  }
}

interface JestReport {
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/**
 * Names of the tests that fail; null where none does.
 * @throws Error where none of them was run: a mistake that keeps the program from starting proves nothing
 */
export async function failingTests(root: string, { file, name }: NamedTest): Promise<string[] | null> {
  const folder = await mkdtemp(join(tmpdir(), 'seatkeeper-mutant-test-'));
  try {
    const report = join(folder, 'report.json');
    const args = [
      ...['--experimental-vm-modules', '--no-warnings', join('node_modules', 'jest', 'bin', 'jest.js')],
      ...['--json', `--outputFile=${report}`, '--forceExit'],
      ...['-t', name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')],
      file,
    ];
    const run = await runCommand(process.execPath, args, { env: process.env, cwd: root, timeoutMs: TEST_TIMEOUT_MS });
    const { testResults } = JSON.parse(
      await readFile(report, 'utf8').catch(() => fail(file, run.output)),
    ) as JestReport;
    const results = testResults.flatMap(({ assertionResults }) => assertionResults);
    const ran = results.filter(({ status }) => status === 'passed' || status === 'failed');
    if (ran.length === 0) fail(file, testResults[0]?.message ?? run.output);
    const failed = ran.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);
    return failed.length > 0 ? failed : null;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function fail(file: string, output: string): never {
  throw new Error(`no test of ${file} was run:\n${output}`);
}

async function chaosRun(root: string, { seed, seconds }: MutantRunOptions): Promise<CaughtByRun> {
  const cluster = await Cluster.start({ root });
  try {
    const partner = await Partner.open(cluster.apis[0]!, chaosSecrets.JWT_SECRET);
    const folder = join(treeRoot, '.data', 'chaos', `mutant-${seed}`);
    // Slow on a busy machine is no mistake of a mutant's.
    const run = await runSeed(cluster, partner, { seed, seconds, faults, folder, recoveryMaxMs: Infinity });
    partner.close();
    const history = await checkHistory(run.files.operations, { terms: times, visualizationDir: folder });
    const illegal = history.illegal.map(({ message }) => message);
    return { seconds, audit: firstOf(run.broken), history: firstOf(illegal) };
  } finally {
    await cluster.stop();
  }
}

const firstOf = ([first]: readonly string[]): string | null => first?.slice(0, MESSAGE_MAX) ?? null;

/** The table of docs/reliability.md; `–` where no chaos run was made. */
export function tableOf(all: readonly Caught[]): string {
  const rows = all.map((caught) => {
    const { mutant, byTests, byRun } = caught;
    const test = byTests ? mutant.test.file.replace(/^test\/|\.test\.ts$/g, '') : '**none**';
    return `| ${mutant.promise} | ${mutant.name} | ${test} | ${byRun ? seenIn(byRun) : '–'} |`;
  });
  return ['| promise | mutant | test that fails | chaos run |', '|---|---|---|---|', ...rows].join('\n');
}

function seenIn({ seconds, audit, history }: CaughtByRun): string {
  const seen = [history && 'history', audit && 'audit'].filter((each) => each !== null);
  return seen.length === 0 ? `not met in ${seconds} s` : seen.join(' and ');
}
