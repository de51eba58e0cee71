import { BASE_PATH, endpoints } from '../../contracts/http/endpoints.ts';
import { isoTime } from '../../contracts/http/primitives.ts';
import type { ShowCancellationBody } from '../../contracts/http/staff.ts';
import type { CancellationProgress } from '../../contracts/show-changes.ts';
import { showTitle } from '../../contracts/show-start.ts';
import type { WorkflowClient } from '../../contracts/workflow-client.ts';
import type { Logger } from '../../platform/logger.ts';
import type { ReadModel } from '../../read-model/database.ts';
import { ShowOverlapError } from '../../read-model/errors.ts';
import {
  cancelShow,
  cancellationProgress,
  changeShowTimes,
  findShowChanges,
  type RecordedShowChange,
} from '../../read-model/show-changes.ts';
import { findShow, type Show } from '../../read-model/shows.ts';
import { showAnswer, showTag } from '../catalogue/catalogue-routes.ts';
import type { SaleCatalogue } from '../catalogue/sale-catalogue.ts';
import { ApiError } from '../http/api-error.ts';
import { ok } from '../http/answer.ts';
import { refuseOtherVersions, versionMismatch } from '../http/if-match.ts';
import { notFound, validationFailed } from '../http/problem.ts';
import { route, type Route } from '../http/route.ts';
import type { AnswerMemory } from '../idempotency/answer-memory.ts';
import type { ShowCommands } from '../shows/show-commands.ts';
import { changesNothing, movedShow, wrongMove } from './show-times.ts';

export interface ShowChangeDeps {
  readonly db: ReadModel;
  readonly memory: AnswerMemory;
  readonly catalogue: SaleCatalogue;
  readonly shows: ShowCommands;
  readonly workflows: Pick<WorkflowClient, 'startShowChange'>;
  readonly nowMs: () => number;
  readonly logger: Logger;
}

/**
 * What staff changes of a show that may be on sale. The change and its record are committed first; then the show hears of
 * it, and the workflow is started that brings about what it means for those who have bought.
 */
export const showChangeRoutes = (deps: ShowChangeDeps): readonly Route[] => [
  route(endpoints.changeShow, async (call) => {
    const { id } = call.params;
    const answer = await deps.memory.onceInTransaction(call, async (trx) => {
      const nowMs = deps.nowMs();
      const show = await showOf(trx, id, nowMs);
      refuseOtherVersions(call.headers, showTag(show), 'show');
      if (show.status === 'CANCELLED' || show.status === 'ENDED') throw showState(show);
      const moved = movedShow(show, call.body);
      const errors = wrongMove(show, moved, nowMs);
      if (errors.length > 0) throw validationFailed(errors);
      if (changesNothing(show, moved)) return showAnswer(show);
      const kind = moved.isMoved ? 'moved' : 'sale_changed';
      const change = { ...moved, kind, requestedBy: call.caller.userId, atMs: nowMs } as const;
      const version = await changeShowTimes(trx, show, change).catch(rethrowOverlap);
      if (version === null) throw versionMismatch(showTag(await showOf(trx, id, nowMs)), 'show');
      return showAnswer(await showOf(trx, id, nowMs));
    });
    await bringAbout(deps, id);
    return answer;
  }),

  route(endpoints.cancelShow, async (call) => {
    const { id } = call.params;
    const answer = await deps.memory.onceInTransaction(call, async (trx) => {
      const nowMs = deps.nowMs();
      const show = await showOf(trx, id, nowMs);
      if (show.status === 'ENDED') throw showState(show);
      const { reason } = call.body;
      await cancelShow(trx, show, { reason, requestedBy: call.caller.userId, atMs: nowMs });
      return {
        status: 202,
        headers: { Location: `${BASE_PATH}/admin/shows/${id}/cancellation` },
        body: await cancellationBody(trx, id, nowMs),
      };
    });
    await bringAbout(deps, id);
    return answer;
  }),

  route(endpoints.getShowCancellation, async ({ params }) =>
    ok(await cancellationBody(deps.db, params.id, deps.nowMs())),
  ),
];

/**
 * Whatever of it fails is done by the change's workflow, or by the sweep that starts it: the change is committed. Sales
 * stop here and now where they can.
 */
async function bringAbout({ db, catalogue, shows, workflows, nowMs, logger }: ShowChangeDeps, showId: string) {
  catalogue.forget(showId);
  try {
    const show = await showOf(db, showId, nowMs());
    const changes = (await findShowChanges(db, showId)).filter(({ isDone }) => !isDone);
    if (changes.length === 0) return;
    const start = ({ kind, showVersion }: RecordedShowChange) =>
      workflows.startShowChange({ showId, cityId: show.cityId, kind, showVersion, title: showTitle(show) });
    const outcomes = await Promise.allSettled([shows.tellOfChange(show), ...changes.map(start)]);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  } catch (error) {
    logger.warn({ err: error, showId }, 'a change of a show waits for its workflow, or for the sweep');
  }
}

async function showOf(db: ReadModel, id: string, nowMs: number): Promise<Show> {
  const show = await findShow(db, id, nowMs);
  if (!show) throw notFound('show');
  return show;
}

const showState = ({ status }: Show): ApiError =>
  new ApiError('SHOW_STATE', `The show is ${status}.`, { showStatus: status });

function rethrowOverlap(error: unknown): never {
  throw error instanceof ShowOverlapError
    ? new ApiError('SHOW_OVERLAP', 'The screen has another show at that time.')
    : error;
}

/** @throws ApiError NOT_FOUND for a show that is not cancelled */
async function cancellationBody(db: ReadModel, showId: string, nowMs: number): Promise<ShowCancellationBody> {
  const show = await showOf(db, showId, nowMs);
  const change = (await findShowChanges(db, showId)).find(({ kind }) => kind === 'cancelled');
  if (!show.cancelled || !change) throw notFound('cancellation');
  const { total, refunded, failed, nothingCaptured, waiting } = await cancellationProgress(db, change, nowMs);
  return {
    showId,
    reason: show.cancelled.reason,
    cancelledAt: isoTime(show.cancelled.atMs),
    state: change.isDone ? 'DONE' : 'RUNNING',
    bookings: { total, refunded, failed, nothingCaptured, waiting } satisfies Partial<CancellationProgress>,
  };
}
