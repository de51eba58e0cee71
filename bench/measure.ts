import { loadavg } from 'node:os';
import { auditSales } from './audit.ts';
import { ApiClient } from './buyers.ts';
import { startLoad, underLoad } from './load/under-load.ts';
import { withMachineLooks } from './machine-looks.ts';
import { processCosts } from './process-costs.ts';
import type { Result } from './report.ts';
import { type RunningSystem, startSystem } from './running-system.ts';
import type { BenchContext, Measurement, Profile, Scenario } from './scenario.ts';
import { BoxOffice } from './shows.ts';
import { ToldSales } from './told-sales.ts';

export interface Measuring {
  readonly profile: Profile;
  readonly runs: number;
  /** Confirmed bookings a second in W1, as `BenchContext.peak` tells it. */
  readonly peak: (context: Omit<BenchContext, 'peak'>) => Promise<number>;
}

/**
 * Runs a scenario on a system of its own: what one leaves behind, thousands of open bookings, is no part of another.
 * A run that throws or fails its audit counts for nothing, and ends the scenario; the runs before it count.
 */
export async function measure(scenario: Scenario, measuring: Measuring): Promise<Result> {
  const [load = NaN] = loadavg();
  const { done, looks } = await withMachineLooks(() => runsOf(scenario, measuring));
  return { scenario, profile: measuring.profile, load, looks, ...done };
}

async function runsOf(
  scenario: Scenario,
  { profile, runs, peak }: Measuring,
): Promise<Pick<Result, 'measurements' | 'failures'>> {
  const measurements: Measurement[] = [];
  const failures: string[] = [];
  try {
    await withSystem({ TEMPORAL_PROFILE: profile, ...scenario.settings }, async (system, api) => {
      const boxOffice = new BoxOffice(api, system.staffToken);
      for (let run = 0; run < Math.min(runs, scenario.runsMax ?? runs); run++) {
        const context = contextOf({ system, api, boxOffice, profile, run });
        measurements.push(await scenario.run({ ...context, peak: () => peak(context) }));
        try {
          await auditSales(system, api, context.sales);
        } catch (error) {
          measurements.pop();
          throw error;
        }
      }
    });
  } catch (error) {
    failures.push(error instanceof Error ? error.message : String(error));
  }
  return { measurements, failures };
}

function contextOf(
  given: Pick<BenchContext, 'system' | 'api' | 'boxOffice' | 'profile' | 'run'>,
): Omit<BenchContext, 'peak'> {
  const read = () => processCosts(given.system.pid);
  return {
    ...given,
    sales: new ToldSales(),
    load: (job) => underLoad(job, read),
    startLoad: (job) => startLoad(job, read),
  };
}

async function withSystem(
  settings: Readonly<Record<string, string>>,
  work: (system: RunningSystem, api: ApiClient) => Promise<void>,
): Promise<void> {
  const system = await startSystem(settings);
  const api = new ApiClient(system.api);
  try {
    await work(system, api);
  } finally {
    await api.close();
    await system.stop();
  }
}
