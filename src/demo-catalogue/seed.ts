import { showWorkflowInput, type SaleLimits } from '../contracts/show-start.ts';
import type { WorkflowClient } from '../contracts/workflow-client.ts';
import type { SeatLayout } from '../domain/seat-layout.ts';
import type { Logger } from '../platform/logger.ts';
import { insertCity, insertScreen, insertTheatre, isEmpty } from '../read-model/catalogue.ts';
import type { ReadModel, ReadModelTransaction } from '../read-model/database.ts';
import { insertMovie } from '../read-model/movies.ts';
import { findSeatingPlan, insertSeatingPlan } from '../read-model/seating-plans.ts';
import { insertShow, listShows, type Show } from '../read-model/shows.ts';
import { demoCatalogue, type DemoCatalogue } from './demo-catalogue.ts';

export interface ShowStartDeps {
  readonly db: ReadModel;
  readonly workflows: Pick<WorkflowClient, 'startShow'>;
  readonly log: Pick<Logger, 'info'>;
  readonly limits: SaleLimits;
  readonly nowMs: number;
}

/** Shows read at once, and workflows being started at once: starting is bound by the server, more would only wait there. */
const SHOWS_PER_PAGE = 100;
const STARTS_IN_FLIGHT_MAX = 8;

/**
 * Puts the demo catalogue into an empty database, in one transaction, and leaves any other as it is; then sees to it
 * that every coming show has its workflow. To be called at every start, by one process: what a crash left undone
 * between the two is done then. Resolves to whether the catalogue was put in.
 * @throws WorkflowUnavailableError and what Postgres says; calling again goes on
 */
export async function seedDemoCatalogue(deps: ShowStartDeps): Promise<boolean> {
  const { db, log, nowMs } = deps;
  const seeded = (await isEmpty(db)) && (await insertOnce(db, demoCatalogue(nowMs), nowMs));
  if (seeded) log.info('the demo catalogue is in the database');
  await startShows(deps);
  return seeded;
}

/** Starts the workflow of every show that has not ended nor been cancelled; one that runs, or has run, stays as it is. */
export async function startShows({ db, workflows, log, limits, nowMs }: ShowStartDeps): Promise<void> {
  const layouts = new Map<string, SeatLayout>();
  let started = 0;
  for await (const shows of comingShows(db, nowMs)) {
    for (const { seatingPlanId } of shows) {
      if (!layouts.has(seatingPlanId)) layouts.set(seatingPlanId, (await findSeatingPlan(db, seatingPlanId))!.layout);
    }
    const start = (show: Show): Promise<void> =>
      workflows.startShow(showWorkflowInput(show, layouts.get(show.seatingPlanId)!, limits));
    await eachOf(shows, STARTS_IN_FLIGHT_MAX, start);
    started += shows.length;
  }
  log.info({ shows: started }, 'every coming show has its workflow');
}

async function* comingShows(db: ReadModel, nowMs: number): AsyncGenerator<readonly Show[]> {
  let cursor: string | undefined;
  do {
    const page = await listShows(db, {}, { limit: SHOWS_PER_PAGE, cursor }, nowMs);
    yield page.items.filter(({ status }) => status !== 'CANCELLED');
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}

/** Rejects with the first failure, once all that had begun has settled. */
async function eachOf<T>(items: readonly T[], inFlightMax: number, act: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const lane = async (): Promise<void> => {
    for (const item of rest) await act(item);
  };
  const lanes = await Promise.allSettled(Array.from({ length: inFlightMax }, lane));
  for (const ended of lanes) if (ended.status === 'rejected') throw ended.reason;
}

const insertOnce = (db: ReadModel, catalogue: DemoCatalogue, nowMs: number): Promise<boolean> =>
  db.transaction().execute(async (tx) => {
    // Asked again inside: whoever was faster has committed all of it.
    if (!(await isEmpty(tx))) return false;
    await insertAll(tx, catalogue, nowMs);
    return true;
  });

async function insertAll(tx: ReadModelTransaction, catalogue: DemoCatalogue, nowMs: number): Promise<void> {
  for (const city of catalogue.cities) await insertCity(tx, city);
  for (const theatre of catalogue.theatres) await insertTheatre(tx, theatre);
  for (const screen of catalogue.screens) await insertScreen(tx, screen);
  for (const plan of catalogue.seatingPlans) await insertSeatingPlan(tx, plan, nowMs);
  for (const movie of catalogue.movies) await insertMovie(tx, movie, nowMs);
  for (const show of catalogue.shows) await insertShow(tx, show, nowMs);
}
