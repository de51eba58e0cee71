import type { ApiClient } from './buyers.ts';
import type { Part, ProcessCosts } from './process-costs.ts';
import type { RunningSystem } from './running-system.ts';

export interface BenchContext {
  readonly system: RunningSystem;
  readonly profile: 'dev' | 'server';
  readonly api: ApiClient;
  /** What the system's processes have cost so far. */
  readonly costs: () => ProcessCosts;
}

/** A figure of a scenario with what it must reach; `least` and `most` may depend on Temporal's profile. */
export interface Floor {
  readonly figure: string;
  readonly unit: string;
  readonly least?: number | Readonly<Record<'dev' | 'server', number>>;
  readonly most?: number;
}

export interface Measurement {
  readonly figures: Readonly<Record<string, number>>;
  /** CPU time of each part per operation, ms, where the scenario counts operations. */
  readonly cpuMsPerOperation?: Readonly<Record<Part, number>>;
}

export interface Scenario {
  readonly name: string;
  /** One sentence for the report. */
  readonly what: string;
  readonly floors: readonly Floor[];
  run(context: BenchContext): Promise<Measurement>;
}

/** Runs `client` in so many closed loops until the time is up, or it says that there is nothing left; each gets its number. */
export async function closedLoops(
  clients: number,
  untilMs: number,
  client: (number: number) => Promise<void | 'nothing left'>,
): Promise<void> {
  await Promise.all(
    Array.from({ length: clients }, async (_, number) => {
      while (Date.now() < untilMs && (await client(number)) !== 'nothing left');
    }),
  );
}

export function perOperation(cpuMs: Readonly<Record<Part, number>>, operations: number): Record<Part, number> {
  return Object.fromEntries(Object.entries(cpuMs).map(([part, ms]) => [part, ms / operations])) as Record<Part, number>;
}
