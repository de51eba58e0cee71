import type { Attempt, AttemptEnd } from './load/attempt.ts';
import { quantile } from './statistics.ts';

/** Attempts that ended within the first `measuredMs` of what was measured. */
export const endedWithin = (attempts: readonly Attempt[], fromMs: number, untilMs: number): Attempt[] =>
  attempts.filter(({ endMs }) => endMs >= fromMs && endMs < untilMs);

/** Attempts that were to begin within these times: those of an open loop, whenever they ended. */
export const dueWithin = (attempts: readonly Attempt[], fromMs: number, untilMs: number): Attempt[] =>
  attempts.filter(({ dueMs }) => dueMs >= fromMs && dueMs < untilMs);

export const countOf = (attempts: readonly Attempt[], ...ends: readonly AttemptEnd[]): number =>
  attempts.filter(({ end }) => ends.includes(end)).length;

/** @throws Error when an attempt failed, or was refused seats that nobody else has asked for */
export function expectSold(attempts: readonly Attempt[]): void {
  expectNoFailures(attempts);
  const refused = countOf(attempts, 'taken');
  if (refused > 0) throw new Error(`${refused} holds of free seats were refused`);
}

/** @throws Error when every choice was asked for: who came later found nothing left */
export function expectSeatsLeft(attempts: readonly Attempt[], choices: readonly unknown[]): void {
  const asked = new Set(attempts.map(({ choice }) => choice));
  if (asked.size >= choices.length) throw new Error('the shows were sold out before the time was up');
}

/** Of holds that were decided, ms; NaN of none. */
export const holdQuantile = (attempts: readonly Attempt[], share: number): number =>
  quantile(
    attempts.flatMap(({ holdMs, end }) => (Number.isNaN(holdMs) || end === 'overloaded' ? [] : [holdMs])),
    share,
  );

/** From the hold's answer to `CONFIRMED`, ms; NaN of none. */
export const payQuantile = (attempts: readonly Attempt[], share: number): number =>
  quantile(
    attempts.flatMap(({ payMs, end }) => (end === 'confirmed' ? [payMs] : [])),
    share,
  );

/**
 * Answers that no scenario expects.
 * @throws Error the first of them, and how many there are
 */
export function expectNoFailures(attempts: readonly Attempt[]): void {
  const failed = attempts.filter(({ end }) => end === 'failed');
  if (failed.length > 0) throw new Error(`${failed.length} attempts failed, the first: ${failed[0]!.failure}`);
}
