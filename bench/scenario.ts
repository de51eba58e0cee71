import type { ApiClient } from './buyers.ts';
import type { Job } from './load/jobs.ts';
import type { RunningLoad, UnderLoad } from './load/under-load.ts';
import type { Part, ProcessCosts } from './process-costs.ts';
import type { RunningSystem } from './running-system.ts';
import type { BoxOffice } from './shows.ts';
import type { ToldSales } from './told-sales.ts';

export type Profile = 'dev' | 'server';

export interface BenchContext {
  readonly system: RunningSystem;
  readonly profile: Profile;
  /** From 0. */
  readonly run: number;
  /** For what is not measured: shows, guests, a look at what is there. */
  readonly api: ApiClient;
  readonly boxOffice: BoxOffice;
  /** What the clients of this run are told: the audit holds it against the service's records. */
  readonly sales: ToldSales;
  /** Has a job done by a load generator; what the system's processes cost meanwhile is read. */
  readonly load: <J extends Job>(job: J) => Promise<UnderLoad<J, ProcessCosts>>;
  /** The same, for what goes on beside something else. */
  readonly startLoad: <J extends Job>(job: J) => RunningLoad<J, ProcessCosts>;
  /** Confirmed bookings a second in W1 with 64 clients: of this bench's runs, or else of a short one on this system. */
  readonly peak: () => Promise<number>;
}

/** What a figure must reach (`floor`) and should (`aim`); of a profile that has none, nothing is asked. */
export interface Figure {
  readonly figure: string;
  readonly unit: string;
  readonly better?: 'more' | 'less';
  readonly floor?: Goal;
  readonly aim?: Goal;
  /** What may never be is no matter of a median: the worst run counts. */
  readonly everyRun?: true;
}

export type Goal = number | Readonly<Partial<Record<Profile, number>>>;

export interface Measurement {
  readonly figures: Readonly<Record<string, number>>;
  readonly costs?: OperationCosts;
  /** Markdown: what single figures don't tell. */
  readonly table?: string;
  /** What the plots draw besides. */
  readonly points?: readonly Point[];
}

/** CPU time per operation, ms, and memory at the end. */
export interface OperationCosts {
  readonly cpuMs: Readonly<Record<Part, number>>;
  readonly generatorCpuMs: number;
  readonly residentBytes: Readonly<Record<Part, number>>;
}

/** One point of a line of a plot. */
export interface Point {
  readonly line: string;
  readonly x: number;
  readonly y: number;
}

export interface Scenario {
  readonly name: string;
  /** One sentence for the report. */
  readonly what: string;
  /** How Temporal runs, where it is measured unless asked otherwise. */
  readonly profiles: readonly Profile[];
  /** At most so many runs, where one takes minutes. */
  readonly runsMax?: number;
  /** Settings of the system besides those of `npm start`. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly figures: readonly Figure[];
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
