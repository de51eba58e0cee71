import { connectClient, type TemporalAddress } from '../../temporal/connection.ts';
import { TemporalWorkflowClient } from '../../temporal/workflow-client.ts';
import type { SaleLimits } from '../contracts/show-start.ts';
import type { CityQueues } from '../contracts/workflow-ids.ts';
import { seedDemoCatalogue, startShows } from '../demo-catalogue/seed.ts';
import type { Logger } from '../platform/logger.ts';
import { createDatabase } from '../read-model/database.ts';

/** As many as one transaction and the reads beside it use. */
const poolMax = 2;

export interface SeedOptions {
  readonly databaseUrl: string;
  readonly temporal: TemporalAddress;
  readonly limits: SaleLimits;
  readonly cityQueues: CityQueues;
  /** `none` puts nothing into the database; the shows that are there get their workflows all the same. */
  readonly what: 'demo' | 'none';
  readonly log: Logger;
}

/** Puts the demo catalogue into an empty database, and sees to it that every coming show has its workflow. */
export async function seed({ databaseUrl, temporal, limits, cityQueues, what, log }: SeedOptions): Promise<void> {
  const db = createDatabase(databaseUrl, { poolMax, log });
  const client = await connectClient(temporal);
  try {
    const deps = { db, workflows: new TemporalWorkflowClient(client, { cityQueues }), log, limits, nowMs: Date.now() };
    await (what === 'demo' ? seedDemoCatalogue(deps) : startShows(deps));
  } finally {
    await client.connection.close();
    await db.destroy();
  }
}
