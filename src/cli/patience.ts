import { setTimeout as delay } from 'node:timers/promises';

/**
 * Any part of the system may be killed at any time. The slowest to come back is Postgres, which replays its log first,
 * with Temporal's server after it: half a minute on two busy cores. Who has had no answer for twice that gives up.
 */
export const PATIENCE_MS = 60_000;
const ASK_AGAIN_AFTER_MS = 500;
/** A part that hangs is asked again over another connection. */
const ANSWER_WITHIN_MS = 15_000;

/** Told when something that had failed has been answered after all: what, and after how long. */
export type OnOvercome = (what: string, afterMs: number) => void;

/**
 * Asks until there is an answer.
 * @throws Error naming what was asked and the last failure, when there was none for `PATIENCE_MS`
 */
export async function patiently<Result>(
  what: string,
  ask: () => Promise<Result>,
  onOvercome: OnOvercome = () => undefined,
): Promise<Result> {
  const startedAtMs = Date.now();
  for (let failed = false; ; failed = true) {
    try {
      const result = await ask();
      if (failed) onOvercome(what, Date.now() - startedAtMs);
      return result;
    } catch (error) {
      if (Date.now() - startedAtMs >= PATIENCE_MS) {
        throw new Error(`${what}: no answer for ${PATIENCE_MS / 1_000} s (${reasonOf(error)})`, { cause: error });
      }
    }
    await delay(ASK_AGAIN_AFTER_MS);
  }
}

/** @throws Error naming the address and what it answered */
export async function getJson<Body>(url: string): Promise<Body> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    if (!response.ok) throw new Error(`it answered ${response.status}`);
    return (await response.json()) as Body;
  } catch (error) {
    throw new Error(`GET ${url}: ${reasonOf(error)}`, { cause: error });
  }
}

/** `fetch failed` says nothing: what it failed of is its cause. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (error.message === 'fetch failed' && cause instanceof Error) return reasonOf(cause);
  return error.message || ((error as NodeJS.ErrnoException).code ?? error.name);
}
