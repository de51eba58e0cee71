import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ProcessSpec } from '../platform/process-spec.ts';
import type { OwnProcessSpec } from '../supervisor/supervised-part.ts';
import type { MetricsPlace } from './entrances.ts';

/** Running workflow tasks and activities are finished first. */
const workerStopTimeoutMs = 15_000;
/** Running requests are answered first; the longest wait for an actor. */
const apiStopTimeoutMs = 15_000;
/** Messages under way are finished first, or handed over again. */
const relayStopTimeoutMs = 15_000;
const simulatorStopTimeoutMs = 5_000;
const pollMs = 50;
const pollTimeoutMs = 2_000;

type Environment = Readonly<Record<string, string>>;

export const paymentSimulatorProcess = (env: Environment): OwnProcessSpec => ({
  ...ownProcess('payment-simulator', 'payment-simulator.ts', simulatorStopTimeoutMs, atLeastInfo(env)),
  ready: 'its log line',
});

export const mailCatcherProcess = (env: Environment): OwnProcessSpec => ({
  ...ownProcess('mail-catcher', 'mail-catcher.ts', simulatorStopTimeoutMs, atLeastInfo(env)),
  ready: 'its log line',
});

/** Their line `ready` is of this level. What else they say below the person's level, the launcher leaves out. */
const atLeastInfo = (env: Environment): Environment => {
  const level = process.env.LOG_LEVEL;
  return level === 'debug' || level === 'trace' ? env : { ...env, LOG_LEVEL: 'info' };
};

export const workerProcesses = (metrics: readonly MetricsPlace[], env: Environment): readonly OwnProcessSpec[] =>
  processesOfKind('worker', workerStopTimeoutMs, metrics, env);

export const relayProcesses = (metrics: readonly MetricsPlace[], env: Environment): readonly OwnProcessSpec[] =>
  processesOfKind('relay', relayStopTimeoutMs, metrics, env);

/** One process for each place of metrics; one is called by its kind's name, several are numbered from 1. */
const processesOfKind = (kind: string, stopTimeoutMs: number, metrics: readonly MetricsPlace[], env: Environment) =>
  numbered(kind, metrics.length).map((name, index) => ({
    ...ownProcess(name, `${kind}.ts`, stopTimeoutMs, atLeastInfo(onItsPort(env, metrics[index]!))),
    ready: 'its log line' as const,
  }));

/**
 * API processes that share one port, so each is asked on the port of its metrics, which it opens when it is ready. At a
 * high log level, which spares it a line per request, it says nothing.
 */
export const apiProcesses = (metrics: readonly MetricsPlace[], env: Environment): readonly ProcessSpec[] =>
  numbered('api', metrics.length).map((name, index) => ({
    ...ownProcess(name, 'api.ts', apiStopTimeoutMs, onItsPort(env, metrics[index]!)),
    ready: (signal) => answers(metrics[index]!.url, signal),
  }));

const onItsPort = (env: Environment, { port }: MetricsPlace): Environment => ({ ...env, METRICS_PORT: String(port) });

const numbered = (kind: string, count: number): readonly string[] =>
  count === 1 ? [kind] : Array.from({ length: count }, (_, index) => `${kind}-${index + 1}`);

/** On two busy cores V8's threads for collecting garbage in parallel cost half a millisecond a booking (docs/decisions/0010). */
const nodeFlags = ['--single-threaded-gc'];
/**
 * MiB in which objects may be young: some three times as much is used. Less lets them grow old sooner, at no cost in CPU,
 * but for the requests that an API process has in hand in a storm: of 8 MiB they fill most, and are copied again and again.
 */
const apiFlags = ['--max-semi-space-size=16'];
const otherFlags = ['--max-semi-space-size=8'];
/**
 * MiB. Left to itself, V8 collects old objects for the first time at half a GiB, and then when there are up to four times as many
 * as were alive: reconciliation, which looks at much and keeps nothing, would have all of it. So at 128 first, and then at one and
 * a half times. The most that a worker keeps, 200 shows and 500 bookings, has some 700 of the 1,536.
 */
const heapFlags = ['--max-old-space-size=1536', '--initial-old-space-size=128', '--heap-growing-percent=50'];
/** The SDK makes an Error for each call out of a workflow, for a stack that nobody reads: an eighth of a worker's CPU. */
const workerFlags = [...otherFlags, ...heapFlags, '--stack-trace-limit=0'];
const flagsOf: Readonly<Record<string, readonly string[]>> = { 'api.ts': apiFlags, 'worker.ts': workerFlags };

/** glibc keeps a heap for each thread that allocates, eight per core; the SDK's core has many threads. */
const nativeMemory = { MALLOC_ARENA_MAX: '2' };

function ownProcess(name: string, entry: string, stopTimeoutMs: number, env: Environment): Omit<ProcessSpec, 'ready'> {
  return {
    name,
    command: process.execPath,
    args: [...nodeFlags, ...(flagsOf[entry] ?? otherFlags), fileURLToPath(new URL(entry, import.meta.url))],
    env: { ...nativeMemory, ...env },
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stopSignal: 'SIGTERM',
    stopTimeoutMs,
  };
}

async function answers(url: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(pollTimeoutMs)]) }).catch(
      () => null,
    );
    await response?.body?.cancel();
    if (response?.ok) return;
    await delay(pollMs, undefined, { signal });
  }
}
