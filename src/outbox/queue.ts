import type { EventType, OutboxConsumer, OutboxEvent } from '../contracts/events.ts';

/** A consumer as the relay serves it: the rules by which its deliveries are tried. */
export interface Queue {
  /** Its deliveries are known by it. */
  readonly name: string;
  /** Null: all. */
  readonly types: readonly EventType[] | null;
  /** Most deliveries under way at the moment, each of another booking. */
  readonly concurrency: () => number;
  /** For one delivery; past it, it has failed. */
  readonly timeoutMs: number;
  /** Until the next try, after so many that have failed; null: it is given up. */
  readonly pauseMsAfter: (failures: number) => number | null;
  /** Resolves when the event is accepted for good. */
  handle(event: OutboxEvent, signal: AbortSignal): Promise<void>;
}

const CONCURRENCY_DEFAULT = 32;
/** A mail server's own patience ends before. */
const TIMEOUT_MS = 60_000;
const PAUSE_FIRST_MS = 1_000;
/** A service that is back is found out about within this. */
const PAUSE_MAX_MS = 10 * 60_000;

/** `triesMax`: with the pauses above, 20 take about two hours. */
export const queueOf = (consumer: OutboxConsumer, triesMax: number): Queue => ({
  name: consumer.name,
  types: consumer.types ?? null,
  concurrency: () => consumer.concurrency ?? CONCURRENCY_DEFAULT,
  timeoutMs: TIMEOUT_MS,
  pauseMsAfter: (failures) => (failures >= triesMax ? null : growingPauseMs(failures)),
  handle: (event, signal) => consumer.handle(event, signal),
});

const growingPauseMs = (failures: number): number =>
  withJitter(Math.min(PAUSE_FIRST_MS * 2 ** (failures - 1), PAUSE_MAX_MS));

/** From three quarters of it to five quarters: what failed together does not come again together. */
export const withJitter = (ms: number): number => Math.round(ms * (0.75 + Math.random() / 2));
