import type { Client } from '@temporalio/client';
import { showWorkflowInput } from '../../src/contracts/show-start.ts';
import { showWorkflowId } from '../../src/contracts/workflow-ids.ts';
import { seedDemoCatalogue, startShows } from '../../src/demo-catalogue/seed.ts';
import { insertCity, isEmpty, listCities } from '../../src/read-model/catalogue.ts';
import { findSeatingPlan } from '../../src/read-model/seating-plans.ts';
import { listShows, type Show } from '../../src/read-model/shows.ts';
import { connectClient } from '../../temporal/connection.ts';
import { TemporalWorkflowClient } from '../../temporal/workflow-client.ts';
import { useTestDatabase } from '../setup/postgres.ts';
import { claimNamespace, TEST_TEMPORAL_ADDRESS } from '../setup/temporal.ts';

const limits = { seatsPerBookingMax: 10, seatsPerBuyerMax: 0 };
const log = { info: () => undefined };

describe('seeding', () => {
  const database = useTestDatabase();
  const nowMs = Date.now();
  let client: Client;
  let workflows: TemporalWorkflowClient;

  beforeAll(async () => {
    client = await connectClient({ address: process.env[TEST_TEMPORAL_ADDRESS]!, namespace: await claimNamespace() });
    workflows = new TemporalWorkflowClient(client);
  });
  afterAll(() => client.connection.close());

  const deps = () => ({ db: database.db, workflows, log, limits, nowMs });
  const shows = async (): Promise<Show[]> => {
    const first = await listShows(database.db, {}, { limit: 100, cursor: undefined }, nowMs);
    expect(first.nextCursor).toBeNull();
    return [...first.items];
  };
  const firstRunOf = async (show: Show): Promise<string | undefined> => {
    const description = await client.workflow.getHandle(showWorkflowId(show.id)).describe();
    return description.raw.workflowExecutionInfo?.firstRunId ?? description.runId;
  };

  it('that ends half-way, between the rows and the workflows, is finished by the next start', async () => {
    let left = 5;
    const dying = {
      startShow: async (input: Parameters<TemporalWorkflowClient['startShow']>[0]) => {
        if (left-- <= 0) throw new Error('the process dies here');
        await workflows.startShow(input);
      },
    };
    await expect(seedDemoCatalogue({ ...deps(), workflows: dying })).rejects.toThrow('dies here');
    expect(await isEmpty(database.db)).toBe(false);

    expect(await seedDemoCatalogue(deps())).toBe(false);
    const all = await shows();
    expect(all.length).toBeGreaterThanOrEqual(30);
    expect(await Promise.all(all.map(firstRunOf))).toHaveLength(all.length);
  }, 120_000);

  it('leaves running shows as they are when it is done again', async () => {
    const before = await Promise.all((await shows()).map(firstRunOf));
    expect(await seedDemoCatalogue({ ...deps(), nowMs: nowMs + 1 })).toBe(false);
    expect(await Promise.all((await shows()).map(firstRunOf))).toEqual(before);
  }, 120_000);

  it('starts a show with the layout of its plan and its own times', async () => {
    const largest = (await shows()).reduce((a, b) => (a.availability.total >= b.availability.total ? a : b));
    const { layout } = (await findSeatingPlan(database.db, largest.seatingPlanId))!;
    const { events } = await client.workflow.getHandle(showWorkflowId(largest.id)).fetchHistory();
    const payload = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]?.data;
    expect(JSON.parse(Buffer.from(payload!).toString())).toEqual(showWorkflowInput(largest, layout, limits));
    expect(layout.seatCount).toBe(largest.availability.total);
    expect(largest.status).toBe('ON_SALE');
  });
});

describe('a database that has something already', () => {
  const database = useTestDatabase();

  it('is left as it is', async () => {
    const city = { name: 'Ooty', country: 'IN', timeZone: 'Asia/Kolkata', location: { lat: 11.4, lng: 76.7 } };
    await insertCity(database.db, { id: 'cit_ooty', population: 88_430, ...city });
    const workflows = { startShow: () => Promise.reject(new Error('there is no show to start')) };
    const deps = { db: database.db, workflows, log, limits, nowMs: Date.now() };
    expect(await seedDemoCatalogue(deps)).toBe(false);
    await startShows(deps);
    const cities = await listCities(database.db, { limit: 10, cursor: undefined });
    expect(cities.items.map(({ id }) => id)).toEqual(['cit_ooty']);
  });
});
