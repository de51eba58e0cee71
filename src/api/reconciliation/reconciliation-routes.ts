import { BASE_PATH, endpoints } from '../../contracts/http/endpoints.ts';
import { isoTime } from '../../contracts/http/primitives.ts';
import type { ReconciliationBody, ReconciliationFindingBody } from '../../contracts/http/reconciliation.ts';
import type { ReconciliationMode, Reconciliations } from '../../contracts/reconciliation.ts';
import { differenceClasses } from '../../domain/reconciliation.ts';
import type { ReadModel } from '../../read-model/database.ts';
import {
  beginRun,
  findRun,
  listRunFindings,
  type ReconciliationRun,
  type StatedFinding,
} from '../../read-model/reconciliation-reports.ts';
import { ok } from '../http/answer.ts';
import { notFound } from '../http/problem.ts';
import { route, type Route } from '../http/route.ts';
import type { AnswerMemory } from '../idempotency/answer-memory.ts';

export interface ReconciliationDeps {
  readonly db: ReadModel;
  readonly memory: AnswerMemory;
  readonly reconciliations: Reconciliations;
}

export const reconciliationRoutes = ({ db, memory, reconciliations }: ReconciliationDeps): readonly Route[] => [
  route(endpoints.startReconciliation, (call) =>
    memory.once(call, async () => {
      const { body, caller } = call;
      const window = { fromMs: Date.parse(body.from), toMs: Date.parse(body.to) };
      const mode = modeOf(body);
      // Of one window and mode there is one run at a time.
      const { runId } = await reconciliations.start(window, mode, caller.userId);
      // Its first step does so too; here, that who asks next finds it.
      await beginRun(db, { id: runId, window, mode, startedBy: caller.userId });
      const run = (await findRun(db, runId))!;
      return {
        status: 202,
        headers: { Location: `${BASE_PATH}/admin/reconciliations/${runId}` },
        body: runBody(run),
      };
    }),
  ),

  route(endpoints.getReconciliation, async ({ params }) => {
    const run = await findRun(db, params.id);
    if (!run) throw notFound('reconciliation');
    return ok(runBody(run));
  }),

  route(endpoints.listReconciliationFindings, async ({ params, query }) => {
    const run = await findRun(db, params.id);
    if (!run) throw notFound('reconciliation');
    const { items, nextCursor } = await listRunFindings(db, run.id, query);
    return ok({ items: items.map(findingBody), nextCursor });
  }),
];

function modeOf({ dryRun, repair }: { readonly dryRun: boolean; readonly repair: boolean }): ReconciliationMode {
  if (dryRun) return 'dry_run';
  return repair ? 'repair' : 'report';
}

const runBody = (run: ReconciliationRun): ReconciliationBody => ({
  id: run.id,
  from: isoTime(run.window.fromMs),
  to: isoTime(run.window.toMs),
  mode: run.mode,
  startedBy: run.startedBy,
  status: run.status,
  phase: run.phase,
  doneUntil: run.doneUntilMs === null ? null : isoTime(run.doneUntilMs),
  counts: run.counts,
  stoppedBecause: run.stoppedBecause,
  startedAt: isoTime(run.startedAtMs),
  endedAt: run.endedAtMs === null ? null : isoTime(run.endedAtMs),
});

function findingBody({ difference, done, state }: StatedFinding): ReconciliationFindingBody {
  const { kind, subject, bookingId, showId, attemptId, refundId, seats, due, found, detail } = difference;
  const { is: whatItIs, operator: whatToDo } = differenceClasses[kind];
  const about = { bookingId, showId, attemptId, refundId, seats: [...seats], due, found, detail };
  return { class: kind, subject, ...about, done, state, whatItIs, whatToDo };
}
