import { once } from 'node:events';
import { startPaymentSimulator } from '../payment-simulator/simulator.ts';
import { readConfig } from '../platform/config.ts';
import { createLogger } from '../platform/logger.ts';

/** The payment simulator as a process of its own. Logs one line with `"msg":"ready"` and its `url`. */
const log = createLogger('payment-simulator');

async function main(): Promise<void> {
  // Heard from the first moment on: whoever started this may be gone before it is ready.
  const askedToStop = Promise.race([
    once(process, 'SIGTERM').then(() => 'SIGTERM'),
    once(process, 'SIGINT').then(() => 'SIGINT'),
    // Without the parent that started it, nobody would ever stop it.
    once(process, 'disconnect').then(() => 'the parent process is gone'),
  ]);
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
  log.info({ why: await askedToStop }, 'stopping');
  await simulator.stop();
  process.exit(0);
}

function fail(error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  log.fatal({ reason: explained(reason) }, 'the payment simulator cannot run');
  process.exit(1);
}

/** SQLite's own words for it help nobody. */
const explained = (reason: string): string =>
  /database is locked/.test(reason) ? 'Another payment simulator runs on the same data folder' : reason;

main().catch(fail);
