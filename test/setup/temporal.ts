import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { searchAttributes } from '../../src/contracts/workflow-ids.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { dynamicConfig, dynamicConfigArguments } from '../../temporal/server/dynamic-config.ts';
import { defaultCacheDir, obtainTemporalCli } from '../../temporal/server/obtain.ts';
import { freePort } from './free-port.ts';

/**
 * One Temporal server for a whole run of the tests, in memory; every test file that asks gets a namespace of its own.
 */
export interface TestTemporal {
  readonly address: string;
  stop(): Promise<void>;
}

export const TEST_TEMPORAL_ADDRESS = 'SEATKEEPER_TEST_TEMPORAL_ADDRESS';
/** How many events of one run make the server suggest a new one; the server's own number when it is not set. */
export const TEST_RUN_EVENTS = 'SEATKEEPER_TEST_RUN_EVENTS';
export const TEST_NAMESPACES_DIR = 'SEATKEEPER_TEST_NAMESPACES_DIR';

/** Made with the server, because a new one takes the server ten seconds to notice. */
const NAMESPACES = 200;
const namespaceName = (number: number): string => `test-${number}`;
const START_TIMEOUT_MS = 60_000;

/** A namespace that no other test file of this run has: a folder made by the first who asks is its claim. */
export async function claimNamespace(): Promise<string> {
  const claims = process.env[TEST_NAMESPACES_DIR];
  if (claims === undefined) throw new Error('the global setup has not started Temporal');
  for (let number = 1; number <= NAMESPACES; number++) {
    const made = await mkdir(join(claims, namespaceName(number))).then(
      () => true,
      () => false,
    );
    if (made) return namespaceName(number);
  }
  throw new Error(`all ${NAMESPACES} namespaces are in use: raise the number`);
}

export async function startTestTemporal(): Promise<TestTemporal> {
  const claims = await mkdtemp(join(tmpdir(), 'seatkeeper-namespaces-'));
  const log = createLogger('temporal', 'warn');
  const cli = await obtainTemporalCli({ cacheDir: defaultCacheDir(process.env), env: process.env, log });
  const port = await freePort();
  const server = spawn(cli, serverArguments(port), { stdio: ['pipe', 'ignore', 'inherit'] });
  const address = `127.0.0.1:${port}`;
  process.env[TEST_NAMESPACES_DIR] = claims;
  await answering(address, server);
  return {
    address,
    stop: async () => {
      server.kill('SIGTERM');
      if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
      await rm(claims, { recursive: true, force: true });
    },
  };
}

const serverArguments = (port: number): string[] => [
  ...['server', 'start-dev', '--headless', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'error'],
  ...Array.from({ length: NAMESPACES }, (_, index) => ['--namespace', namespaceName(index + 1)]).flat(),
  ...Object.values(searchAttributes).flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
  ...dynamicConfigArguments(testDynamicConfig()),
];

function testDynamicConfig(): Record<string, number | boolean | string> {
  const runEvents = process.env[TEST_RUN_EVENTS];
  return {
    ...dynamicConfig,
    ...(runEvents !== undefined && { 'limit.historyCount.suggestContinueAsNew': Number(runEvents) }),
  };
}

async function answering(address: string, server: ChildProcess): Promise<void> {
  const deadline = AbortSignal.timeout(START_TIMEOUT_MS);
  for (;;) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: 1_000 });
      await connection.workflowService.describeNamespace({ namespace: namespaceName(NAMESPACES) });
      return await connection.close();
    } catch (error) {
      if (server.exitCode !== null || deadline.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
