import type { FaultRecord } from './faults/fault.ts';

/** As promised, until the first booking that is asked for after a single kill is confirmed. */
export const RECOVERY_MAX_MS = 10_000;

/** A purchase that came to its end, in ms of the monotonic clock. */
export interface Sale {
  readonly askedMs: number;
  readonly confirmedMs: number;
}

/** From a moment until a buyer had a confirmation of what was asked for after it; null: nobody had one. */
export function recoveredAfterMs(sales: readonly Sale[], sinceMs: number): number | null {
  const confirmed = sales.filter(({ askedMs }) => askedMs >= sinceMs).map(({ confirmedMs }) => confirmedMs);
  return confirmed.length === 0 ? null : Math.min(...confirmed) - sinceMs;
}

/**
 * Of a process that was killed alone, how soon somebody bought something again. What else went wrong disturbs it until then, or until
 * `maxMs` are over: who has not recovered by then is late, whatever comes afterwards. A fault that could not be brought about
 * disturbs too: it may have come half of its way.
 * @param boughtAgainMs from a moment of the run until the first sale that was asked for after it; null: nobody bought anything
 */
export function withRecovery(
  record: FaultRecord,
  all: readonly FaultRecord[],
  boughtAgainMs: (sinceMs: number) => number | null,
  maxMs: number,
): FaultRecord {
  if (record.killed === undefined) return record;
  const afterMs = boughtAgainMs(record.fromMs);
  const untilMs = record.fromMs + Math.min(afterMs ?? Infinity, maxMs);
  const disturbed = all.some((other) => other !== record && other.fromMs < untilMs && other.toMs > record.fromMs);
  return { ...record, recoveredAfterMs: afterMs === null ? null : Math.round(afterMs), disturbed };
}

/** Of a kill that nothing else disturbed, where somebody bought something afterwards; null of all others. */
export const undisturbedRecoveryMs = ({ recoveredAfterMs = null, disturbed }: FaultRecord): number | null =>
  disturbed ? null : recoveredAfterMs;

/**
 * One sentence for each kill after which buyers waited for longer than `maxMs`, of those that nothing else disturbed, and for each after
 * which nobody bought anything, although all was healed in the end.
 */
export const slowRecoveries = (faults: readonly FaultRecord[], maxMs: number): string[] =>
  faults.flatMap(({ killed, name, disturbed, recoveredAfterMs = null }) => {
    if (killed === undefined) return [];
    if (recoveredAfterMs !== null && (disturbed || recoveredAfterMs <= maxMs)) return [];
    const when = recoveredAfterMs === null ? 'never' : `after ${recoveredAfterMs} ms`;
    return [`after the kill of ${killed} (${name}) the first booking was confirmed ${when}`];
  });
