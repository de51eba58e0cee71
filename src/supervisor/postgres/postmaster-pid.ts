import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { identityOf } from '../../../scripts/process-lock.js';
import type { Logger } from '../../platform/logger.ts';
import { stopLeftovers } from '../leftovers.ts';

/** A fast shutdown writes a checkpoint. */
const stopTimeoutMs = 30_000;

/**
 * Postgres refuses to start while the process named in its `postmaster.pid` runs. If that is a server of this cluster,
 * left by a start that was killed, it is stopped; if the number belongs to another program by now, the file goes.
 * A file whose process has ended is Postgres' own affair.
 */
export async function clearPostmasterPid(cluster: string, log: Logger): Promise<void> {
  const file = join(cluster, 'postmaster.pid');
  const pid = readPid(file);
  if (pid === null) return;
  const identity = identityOf(pid);
  if (identity.startedAt === '') return;
  if (!commandLineOf(pid).includes(cluster)) return rmSync(file, { force: true });
  await stopLeftovers([{ ...identity, name: 'postgres', stopSignal: 'SIGINT', stopTimeoutMs }], log);
}

function readPid(file: string): number | null {
  try {
    return Number.parseInt(readFileSync(file, 'utf8'), 10) || null;
  } catch {
    return null;
  }
}

function commandLineOf(pid: number): string {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}
