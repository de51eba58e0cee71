import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { runningSystem } from '../src/cli/running-system.ts';
import { settingShapes } from '../src/platform/config.ts';
import { createLogger } from '../src/platform/logger.ts';
import { createDatabase, type ReadModel } from '../src/read-model/database.ts';
import { readRunState } from '../src/supervisor/run-state.ts';
import { launcherShapes } from '../src/supervisor/settings.ts';
import type { TemporalAddress } from '../temporal/connection.ts';

/** The whole system, as `npm start` runs it, on a data folder of its own that is thrown away. */
export interface RunningSystem {
  readonly pid: number;
  readonly dataDir: string;
  readonly api: string;
  readonly paymentSimulator: string;
  readonly staffToken: string;
  readonly temporal: TemporalAddress;
  stop(): Promise<void>;
}

/** Longer than all parts together are given: one that outlives its supervisor would disturb what is measured next. */
const STOP_TIMEOUT_MS = 150_000;
/** Of what the system logs as faults: the first say what is wrong, in an overload there are thousands. */
const FAULTS_TOLD_MAX = 10;

export async function startSystem(settings: Readonly<Record<string, string>>): Promise<RunningSystem> {
  const dataDir = await mkdtemp(join(tmpdir(), 'seatkeeper-bench-'));
  const child = spawn(process.execPath, ['src/main/all-in-one.ts'], {
    env: {
      ...withoutSettings(process.env),
      LOG_LEVEL: 'warn',
      SEED: 'demo',
      RATE_LIMIT: 'off',
      ...settings,
      DATA_DIR: dataDir,
    },
    // Its end of the channel closes when this process dies: then it stops, too.
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const ready = await readyLine(child);
  const { temporalAddress, temporalNamespace } = readRunState(dataDir).services!;
  return {
    pid: child.pid!,
    dataDir,
    api: String(ready.api),
    paymentSimulator: String(ready.paymentSimulator),
    staffToken: String(ready.staffToken),
    temporal: { address: temporalAddress, namespace: temporalNamespace },
    async stop() {
      child.kill('SIGINT');
      const killer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      clearTimeout(killer);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Whatever the shell sets for another system: what is measured is the scenario's to say. */
const withoutSettings = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !(name in settingShapes) && !(name in launcherShapes)));

/** The database of the measured system, for what is not measured. */
export function openDatabase({ dataDir }: RunningSystem, poolMax: number): ReadModel {
  const { partSettings } = runningSystem({ DATA_DIR: dataDir })!;
  return createDatabase(partSettings.DATABASE_URL, { poolMax, log: createLogger('bench', 'silent') });
}

function readyLine(child: ChildProcess): Promise<Record<string, unknown>> {
  let told = 0;
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the system did not start (exit code ${code})`)));
    createInterface(child.stdout!).on('line', (line) => {
      if (!line.startsWith('{')) return;
      const event = JSON.parse(line) as Record<string, unknown>;
      if (event.msg === 'ready' && event.api !== undefined) resolve(event);
      else if (Number(event.level) >= 50 && told++ < FAULTS_TOLD_MAX) process.stderr.write(`${line}\n`);
    });
  });
}
