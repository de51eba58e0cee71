import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { reservePort } from '../../supervisor/ports.ts';
import type { RunningSystem } from '../running-system.ts';

const READY_TIMEOUT_MS = 30_000;
const POLL_MS = 100;

/** An API process of the demo's own, beside the running system's and on the same actors and database. */
export interface BoxOffice {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Opens one with terms of its own: how long a hold lasts, and how long a payment may take, are the API's to say. So
 * the demo sees in two minutes what takes ten in a real sale.
 */
export async function openBoxOffice(
  system: RunningSystem,
  terms: { readonly holdTtlSeconds: number; readonly paymentDeadlineSeconds: number },
): Promise<BoxOffice> {
  const reserved = await reservePort({ name: 'PORT', told: 0, friendly: 0 }, undefined);
  const url = `http://127.0.0.1:${reserved.port}`;
  await reserved.release();
  const child = spawn(process.execPath, [fileURLToPath(new URL('../../main/api.ts', import.meta.url))], {
    env: {
      PATH: process.env.PATH,
      ...system.partSettings,
      PORT: String(reserved.port),
      METRICS_PORT: '0',
      LOG_LEVEL: 'error',
      RATE_LIMIT: 'off',
      PAYMENT_GATEWAY_URL: system.addresses.paymentSimulator ?? '',
      HOLD_TTL_SECONDS: String(terms.holdTtlSeconds),
      PAYMENT_DEADLINE_SECONDS: String(terms.paymentDeadlineSeconds),
    },
    // The channel's end tells it that the demo is gone.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const deadline = AbortSignal.timeout(READY_TIMEOUT_MS);
  while (!(await answers(`${url}/health/ready`))) {
    if (child.exitCode !== null || deadline.aborted)
      throw new Error('the demo could not start an API process of its own');
    await delay(POLL_MS);
  }
  return {
    url,
    async close() {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

async function answers(url: string): Promise<boolean> {
  const response = await fetch(url).catch(() => null);
  await response?.body?.cancel();
  return response?.ok ?? false;
}
