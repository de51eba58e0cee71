import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import type { ReadModel } from '../../src/read-model/database.ts';
import { connectClient } from '../../temporal/connection.ts';
import { TemporalWorkflowClient } from '../../temporal/workflow-client.ts';
import { deleteSchedules } from './delete-schedules.ts';
import { freePort } from './free-port.ts';
import { TEST_BUNDLES_DIR } from './global-setup.ts';
import { useTestDatabase } from './postgres.ts';
import { TestProcess } from './process.ts';
import { claimNamespace, TEST_TEMPORAL_ADDRESS } from './temporal.ts';

/** Secrets of tests; no other process takes them. */
export const testSecrets = {
  JWT_SECRET: 'a-secret-of-the-tests-for-tokens-only',
  PAYMENT_WEBHOOK_SECRET: 'a-secret-of-the-tests-for-webhooks-only',
  TICKET_SIGNING_KEY: 'a-secret-of-the-tests-for-tickets-only',
};

const shortTimes = {
  HOLD_TTL_SECONDS: '30',
  PAYMENT_DEADLINE_SECONDS: '10',
  RATE_LIMIT: 'off',
  RECONCILIATION_SCHEDULE: 'off',
};

export interface SystemOptions {
  /** Settings that differ from the tests' short times. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly workers?: number;
  readonly apis?: number;
  /** Entry of the worker processes, where it is not the service's own. */
  readonly workerEntry?: string;
  readonly apiEntry?: string;
}

/**
 * The system of one test file, every part a real process: a database, a Temporal namespace, the payment simulator,
 * workers and API processes of its own.
 */
export interface TestSystem {
  readonly db: ReadModel;
  readonly temporal: Client;
  /** The actors, as the API and the workers address them. */
  readonly workflows: TemporalWorkflowClient;
  readonly simulatorUrl: string;
  readonly apiUrls: readonly string[];
  readonly simulator: TestProcess;
  readonly workers: readonly TestProcess[];
  readonly apis: readonly TestProcess[];
  /** Settings that every part was started with. */
  readonly env: Readonly<Record<string, string>>;
}

export function useTestSystem(options: SystemOptions = {}): TestSystem {
  const database = useTestDatabase();
  // Its parts are there once the tests run.
  const system = {} as TestSystem;
  let dataDir: string;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'seatkeeper-system-'));
    await symlink(process.env[TEST_BUNDLES_DIR]!, join(dataDir, 'bundles'));
    const namespace = await claimNamespace();
    const address = process.env[TEST_TEMPORAL_ADDRESS]!;
    const apiPorts = await Promise.all(Array.from({ length: options.apis ?? 0 }, freePort));
    const simulatorPort = await freePort();
    const env: Record<string, string> = {
      ...testSecrets,
      ...shortTimes,
      DATA_DIR: dataDir,
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: address,
      TEMPORAL_NAMESPACE: namespace,
      PAYMENT_SIMULATOR_PORT: String(simulatorPort),
      PAYMENT_GATEWAY_URL: `http://127.0.0.1:${simulatorPort}`,
      PAYMENT_WEBHOOK_URL: `http://127.0.0.1:${apiPorts[0] ?? 9}`,
      ...options.settings,
    };
    const simulator = new TestProcess('payment-simulator', ['src/main/payment-simulator.ts'], env);
    const workers = Array.from(
      { length: options.workers ?? 1 },
      (_, number) => new TestProcess(`worker-${number}`, [options.workerEntry ?? 'src/main/worker.ts'], env),
    );
    const apis = apiPorts.map(
      (port, number) =>
        new TestProcess(`api-${number}`, [options.apiEntry ?? 'src/main/api.ts'], { ...env, PORT: String(port) }),
    );
    const temporal = await connectClient({ address, namespace });
    Object.assign(system, {
      db: database.db,
      temporal,
      workflows: new TemporalWorkflowClient(temporal),
      simulatorUrl: `http://127.0.0.1:${simulatorPort}`,
      apiUrls: apiPorts.map((port) => `http://127.0.0.1:${port}`),
      simulator,
      workers,
      apis,
      env,
    } satisfies TestSystem);
    await Promise.all([simulator, ...workers, ...apis].map((part) => part.start()));
  }, 90_000);

  afterAll(async () => {
    const parts = [...system.apis, ...system.workers, system.simulator];
    await Promise.all(parts.map((part) => part.kill('SIGKILL')));
    await deleteSchedules(system.temporal);
    await system.temporal.connection.close();
    await rm(dataDir, { recursive: true, force: true });
  });

  return system;
}
