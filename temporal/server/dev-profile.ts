import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { searchAttributes } from '../../src/contracts/workflow-ids.ts';
import type { Logger } from '../../src/platform/logger.ts';
import type { ProcessSpec } from '../../src/platform/process-spec.ts';
import type { TemporalPorts } from './contract.ts';
import { dynamicConfigArguments } from './dynamic-config.ts';
import { whenServing } from './frontend.ts';
import { loopback, readyTimeoutMs, stopTimeoutMs } from './process-limits.ts';

/**
 * A commit is on the disk before it is answered: in WAL mode only `FULL` syncs the log at each commit; with `NORMAL`
 * a killed process loses nothing but a power cut takes back what clients have seen confirmed.
 */
const pragmas = { journal_mode: 'WAL', synchronous: 'FULL' };

/** The SQLite file of the development server, below the system's data folder. */
export const devDatabaseFile = (dataDir: string): string => join(dataDir, 'temporal', 'temporal.db');

/** Written when the server has served from its file: by which version. */
const markerFile = (dataDir: string): string => `${devDatabaseFile(dataDir)}.served-by`;

/** `temporal server start-dev` on a file. Listens on loopback only. */
export function devServer(
  binary: string,
  dataDir: string,
  ports: TemporalPorts<'dev'>,
  namespace: string,
): ProcessSpec {
  const address = `${loopback}:${ports.frontend}`;
  return {
    name: 'temporal',
    command: binary,
    args: [
      ...['server', 'start-dev', '--db-filename', devDatabaseFile(dataDir)],
      ...['--ip', loopback, '--port', `${ports.frontend}`, '--http-port', `${ports.http}`],
      ...['--ui-port', `${ports.ui}`, '--metrics-port', `${ports.metrics}`],
      ...['--log-level', 'warn', '--log-format', 'json', '--color', 'never'],
      ...(namespace === 'default' ? [] : ['--namespace', namespace]),
      ...Object.values(searchAttributes).flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
      ...Object.entries(pragmas).flatMap(([name, value]) => ['--sqlite-pragma', `${name}=${value}`]),
      ...dynamicConfigArguments(),
    ],
    ready: (signal) => whenServing(address, { timeoutMs: readyTimeoutMs, signal }),
    stopSignal: 'SIGTERM',
    stopTimeoutMs,
  };
}

/**
 * Makes the folder, and removes a database file whose making was cut short: the server creates tables only where there
 * is no file at all, and nobody has worked on one that never served. Warns when another version made the file, whose
 * tables this one may not understand: it brings no file up to its version.
 */
export async function prepareDevDatabase(version: string, dataDir: string, log: Logger): Promise<void> {
  const file = devDatabaseFile(dataDir);
  await mkdir(dirname(file), { recursive: true });
  if (!(await exists(file))) return;
  const servedBy = await readFile(markerFile(dataDir), 'utf8').catch(() => null);
  if (servedBy === version) return;
  if (servedBy !== null) {
    log.warn({ file, servedBy, version }, 'the database was made by another version of the server, which may not fit');
    return;
  }
  log.warn({ file }, 'the first start was cut short: making the database anew');
  for (const suffix of ['', '-wal', '-shm', '-journal']) await rm(`${file}${suffix}`, { force: true });
}

/** To be called when the server serves: from then on its file is kept, whatever happens. */
export async function keepDevDatabase(version: string, dataDir: string): Promise<void> {
  const draft = `${markerFile(dataDir)}.draft`;
  await writeFile(draft, version);
  await rename(draft, markerFile(dataDir));
}

const exists = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );
