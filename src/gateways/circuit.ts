import { BrokenCircuitError, circuitBreaker, CircuitState, ConsecutiveBreaker, handleWhenResult } from 'cockatiel';

export type CircuitEventState = 'open' | 'half_open' | 'closed';

export interface CircuitSettings {
  /** So many faults in a row open the circuit. */
  readonly faultsInARow: number;
  /** An open circuit lets one call through after this long. */
  readonly halfOpenAfterMs: number;
}

/** Few enough to spare buyers a provider that is away, many enough that one unlucky buyer does not open it. */
export const defaultCircuit: CircuitSettings = { faultsInARow: 8, halfOpenAfterMs: 3_000 };

/**
 * Keeps charges from a provider that does not answer. Calls that start a charge are refused while the circuit is open;
 * calls that clear up an earlier one are always let through. Both count.
 */
export class Circuit<Outcome> {
  readonly #policy;
  readonly #isFault: (outcome: Outcome) => boolean;

  constructor(
    settings: CircuitSettings,
    isFault: (outcome: Outcome) => boolean,
    onChange: (state: CircuitEventState) => void,
  ) {
    this.#isFault = isFault;
    this.#policy = circuitBreaker(
      handleWhenResult((outcome) => this.#isFault(outcome as Outcome)),
      { halfOpenAfter: settings.halfOpenAfterMs, breaker: new ConsecutiveBreaker(settings.faultsInARow) },
    );
    this.#policy.onBreak(() => onChange('open'));
    this.#policy.onHalfOpen(() => onChange('half_open'));
    this.#policy.onReset(() => onChange('closed'));
  }

  /** The outcome, or undefined when the circuit refuses: the call was not made. */
  async start<T extends Outcome>(call: () => Promise<T>): Promise<T | undefined> {
    // While one call is on probation the others don't wait for it: their buyers have a second provider.
    if (this.#policy.state === CircuitState.HalfOpen) return undefined;
    try {
      return await this.#policy.execute(call);
    } catch (error) {
      if (error instanceof BrokenCircuitError) return undefined;
      throw error;
    }
  }

  /** Makes the call whatever the circuit says, and counts it while the circuit is closed. */
  ask<T extends Outcome>(call: () => Promise<T>): Promise<T> {
    return this.#policy.state === CircuitState.Closed ? this.#policy.execute(call) : call();
  }
}
