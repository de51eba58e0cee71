import { startPaymentSimulator } from '../payment-simulator/simulator.ts';
import { readConfig } from '../platform/config.ts';
import { createLogger } from '../platform/logger.ts';
import { exitWith, whenAskedToStop } from './process-life.ts';

/** The payment simulator as a process of its own. Logs one line with `"msg":"ready"` and its `url`. */
const log = createLogger('payment-simulator');

async function main(): Promise<void> {
  const askedToStop = whenAskedToStop(log);
  const config = readConfig([
    'DATA_DIR',
    'PAYMENT_SIMULATOR_PORT',
    'PAYMENT_SIMULATOR_HOST',
    'PAYMENT_SIMULATOR_LATENCY_MS',
    'PAYMENT_SIMULATOR_PUBLIC_URL',
    'PAYMENT_WEBHOOK_URL',
    'PAYMENT_WEBHOOK_SECRET',
    'PAYMENT_DEADLINE_SECONDS',
  ]);
  const simulator = await startPaymentSimulator(
    {
      dataDir: config.DATA_DIR,
      host: config.PAYMENT_SIMULATOR_HOST,
      port: config.PAYMENT_SIMULATOR_PORT,
      latencyMs: config.PAYMENT_SIMULATOR_LATENCY_MS,
      paymentDeadlineMs: config.PAYMENT_DEADLINE_SECONDS * 1_000,
      publicUrl: config.PAYMENT_SIMULATOR_PUBLIC_URL ?? null,
      webhook: { baseUrl: config.PAYMENT_WEBHOOK_URL, secret: config.PAYMENT_WEBHOOK_SECRET },
    },
    log,
  );

  log.info({ url: simulator.url }, 'ready');
  await askedToStop();
  await simulator.stop();
}

/** SQLite's own words for it help nobody. */
function explained(error: unknown): never {
  if (!(error instanceof Error) || !/database is locked/.test(error.message)) throw error;
  throw new Error('Another payment simulator runs on the same data folder', { cause: error });
}

exitWith(main().catch(explained), log, 'the payment simulator cannot run');
