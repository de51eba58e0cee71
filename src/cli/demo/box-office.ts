import { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ProcessSpec } from '../../platform/process-spec.ts';
import { createOutput } from '../../supervisor/output.ts';
import { reservePort } from '../../supervisor/ports.ts';
import { Supervisor } from '../../supervisor/supervisor.ts';
import type { RunningSystem } from '../running-system.ts';

const POLL_MS = 100;
const POLL_TIMEOUT_MS = 2_000;
/** Requests under way are answered first; a payment's may wait ten seconds. */
const STOP_TIMEOUT_MS = 15_000;

/** How long a hold lasts, and how long a payment may take, are the API's to say. */
export interface Terms {
  readonly holdTtlSeconds: number;
  readonly paymentDeadlineSeconds: number;
}

/** API processes of the demo's own, beside the running system's and on the same actors and database. */
export interface BoxOffices<Name extends string> {
  readonly urls: Readonly<Record<Name, string>>;
  close(): Promise<void>;
}

/**
 * Opens one for each of the terms: so the demo sees in two minutes what takes ten in a real sale. One that dies is
 * opened again at the same address, as `npm start` does with its own; `onNews` gets the sentence about it.
 */
export async function openBoxOffices<Name extends string>(
  system: RunningSystem,
  terms: Readonly<Record<Name, Terms>>,
  onNews: (sentence: string) => void,
): Promise<BoxOffices<Name>> {
  const supervisor = new Supervisor(
    createOutput(
      linesTo(() => undefined),
      'silent',
    ),
    newsLog(onNews),
    () => undefined,
  );
  const names = Object.keys(terms) as Name[];
  const specs = await Promise.all(names.map((name) => boxOffice(system, name, terms[name])));
  try {
    await supervisor.start(...specs.map(({ spec }) => spec));
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
  const urls = Object.fromEntries(specs.map(({ url }, position) => [names[position], url])) as Record<Name, string>;
  return { urls, close: () => supervisor.stop() };
}

async function boxOffice(
  system: RunningSystem,
  name: string,
  { holdTtlSeconds, paymentDeadlineSeconds }: Terms,
): Promise<{ readonly url: string; readonly spec: ProcessSpec }> {
  const reserved = await reservePort({ name: 'PORT', told: 0, friendly: 0 }, undefined);
  const url = `http://127.0.0.1:${reserved.port}`;
  await reserved.release();
  const spec: ProcessSpec = {
    name: `the demo's own API process (${name})`,
    command: process.execPath,
    args: [fileURLToPath(new URL('../../main/api.ts', import.meta.url))],
    env: {
      ...system.partSettings,
      HOST: '127.0.0.1',
      PORT: String(reserved.port),
      METRICS_PORT: '0',
      LOG_LEVEL: 'error',
      RATE_LIMIT: 'off',
      HOLD_TTL_SECONDS: String(holdTtlSeconds),
      PAYMENT_DEADLINE_SECONDS: String(paymentDeadlineSeconds),
    },
    ready: (signal) => answers(`${url}/health/live`, signal),
    stopSignal: 'SIGTERM',
    stopTimeoutMs: STOP_TIMEOUT_MS,
  };
  return { url, spec };
}

/** What the supervisor has to say of its parts, as sentences. */
const newsLog = (onNews: (sentence: string) => void) =>
  createOutput(
    linesTo((line) => onNews((JSON.parse(line) as { msg: string }).msg)),
    'warn',
  ).logger('demo');

const linesTo = (onLine: (line: string) => void): Writable =>
  new Writable({
    decodeStrings: false,
    write: (text: string, _encoding, done) => {
      for (const line of text.split('\n')) if (line !== '') onLine(line);
      done();
    },
  });

async function answers(url: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const response = await fetch(url, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(POLL_TIMEOUT_MS)]),
    }).catch(() => null);
    await response?.body?.cancel();
    if (response?.ok) return;
    await delay(POLL_MS, undefined, { signal });
  }
}
