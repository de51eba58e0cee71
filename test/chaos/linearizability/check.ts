import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, type Logger } from '../../../src/platform/logger.ts';
import { runCommand } from '../../../temporal/server/run-command.ts';
import type { Operation } from '../operation-log.ts';
import { obtainChecker } from './checker.ts';

/** Half a million operations take some ten seconds; each partition that has something odd up to twenty more. */
const CHECK_TIMEOUT_MS = 10 * 60_000;

/** What the system that was watched had been told, and what the checker allows for; ms. */
export interface CheckTerms {
  readonly holdTtlMs: number;
  readonly paymentDeadlineMs: number;
  /** How far the clock of `expiresAt` and that of the log may be apart. */
  readonly clockToleranceMs?: number;
  /** How old the map may be by which a process refuses: longer than faults that come one after the other cut it off. */
  readonly mapAgeMs?: number;
  /** So long after it was cut off a request may still be carried out. */
  readonly lateMs?: number;
}

export interface CheckOptions {
  readonly terms: CheckTerms;
  /** A folder for drawings of what is illegal, as pages for a browser. */
  readonly visualizationDir?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly log?: Logger;
  readonly signal?: AbortSignal;
}

export interface Violation {
  readonly rule: string;
  readonly message: string;
  readonly showId: string;
  readonly seatIds: readonly string[];
  readonly operations: readonly (Operation & { readonly line: number })[];
  readonly visualization?: string;
}

export interface HistoryReport {
  /** Nothing illegal, and nothing undecided. */
  readonly ok: boolean;
  readonly operations: number;
  readonly bookings: number;
  readonly seats: number;
  readonly partitions: number;
  /** Partitions too large to be looked at but seat by seat. */
  readonly seatBySeat: number;
  /** Partitions for which no order was found in the time there is, nor shown to be impossible. */
  readonly undecided: readonly string[];
  readonly violations: number;
  /** The first of them. */
  readonly illegal: readonly Violation[];
  readonly seconds: number;
}

/**
 * Checks the operations of one run, as `OperationLog` writes them, against the sequential model of a seat.
 * @throws Error where the file cannot be read as a history, or the checker not built
 */
export async function checkHistory(operationsFile: string, options: CheckOptions): Promise<HistoryReport> {
  const { terms, visualizationDir, env = process.env, log = createLogger('linearizability'), signal } = options;
  const checker = await obtainChecker({ env, log, signal });
  if (visualizationDir) await mkdir(visualizationDir, { recursive: true });
  const folder = await mkdtemp(join(tmpdir(), 'seatkeeper-history-'));
  try {
    const report = join(folder, 'report.json');
    const args = [
      ...flagsOf(terms),
      ...(visualizationDir ? [`-visualize=${visualizationDir}`] : []),
      `-report=${report}`,
      operationsFile,
    ];
    const run = await runCommand(checker, args, { env, timeoutMs: CHECK_TIMEOUT_MS, signal });
    if (run.failure !== null) throw new Error(`the history was not checked: ${run.failure}\n${run.output}`);
    return JSON.parse(await readFile(report, 'utf8')) as HistoryReport;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function flagsOf(terms: CheckTerms): string[] {
  const flags = {
    'hold-ttl-ms': terms.holdTtlMs,
    'payment-deadline-ms': terms.paymentDeadlineMs,
    'clock-tolerance-ms': terms.clockToleranceMs,
    'map-age-ms': terms.mapAgeMs,
    'late-ms': terms.lateMs,
  };
  return Object.entries(flags).flatMap(([name, value]) => (value === undefined ? [] : [`-${name}=${value}`]));
}
