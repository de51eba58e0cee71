import { setTimeout as delay } from 'node:timers/promises';
import { isRunning } from '../../scripts/process-lock.js';
import type { Logger } from '../platform/logger.ts';
import type { RecordedPart } from './run-state.ts';

/** A tether acts at once: what goes on after this was asked by nobody to stop. */
const tetherMs = 2_000;
const pollMs = 100;

/**
 * Ends the processes of an earlier start that was killed. Their tethers have asked them to stop; who does not in time
 * is asked again, then killed. A process is known by its number and the moment it started, never by its number alone.
 */
export async function stopLeftovers(parts: readonly RecordedPart[], log: Logger): Promise<void> {
  await Promise.all(parts.filter(isRunning).map((part) => stopLeftover(part, log)));
}

async function stopLeftover(part: RecordedPart, log: Logger): Promise<void> {
  log.info({ process: part.name, pid: part.pid }, `${part.name} of an earlier start still runs: waiting for its end`);
  if (await endsWithin(part, tetherMs)) return;
  signal(part, part.stopSignal);
  if (await endsWithin(part, part.stopTimeoutMs)) return;
  log.warn({ process: part.name, pid: part.pid }, `${part.name} of an earlier start does not stop and is killed`);
  signal(part, 'SIGKILL');
  await endsWithin(part, tetherMs);
}

async function endsWithin(part: RecordedPart, ms: number): Promise<boolean> {
  const until = Date.now() + ms;
  while (isRunning(part)) {
    if (Date.now() >= until) return false;
    await delay(pollMs);
  }
  return true;
}

function signal(part: RecordedPart, name: NodeJS.Signals): void {
  if (!isRunning(part)) return;
  try {
    process.kill(part.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
