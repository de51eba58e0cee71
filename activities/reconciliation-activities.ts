import { cancellationSignal, log } from '@temporalio/activity';
import type {
  ReconciliationCounts,
  ReconciliationStep,
  ReconciliationStepDone,
  RunStatus,
} from '../src/contracts/reconciliation.ts';
import { type Difference, type JudgedBefore, onlyOnce } from '../src/domain/reconciliation.ts';
import type { PaymentGateway } from '../src/gateways/payment-gateway.ts';
import {
  beginRun,
  callForPerson,
  countRunFindings,
  endFinding,
  listOpenFindings,
  metAgain,
  noteDone,
  noteProgress,
  purgeReports,
  recordFindings,
} from '../src/read-model/reconciliation-reports.ts';
import { atOnce, whileAlive } from './alive.ts';
import { Evidence, unlessWithoutEvidence } from './reconciliation-evidence.ts';
import { ASKED_AT_ONCE, type Looked, Looks } from './reconciliation-looks.ts';
import { type RepairDeps, Repairs } from './reconciliation-repairs.ts';
import { queuedAtMs } from './server-clock.ts';

/** Open differences looked at anew in one step. */
const FOLLOWED_UP_PER_STEP = 200;
/**
 * With more differences than this it is not single bookings that are wrong, but the records as a whole: another provider's
 * books, a database that was restored. A run that goes on would ask and repair for hours what one cause has done.
 */
const FINDINGS_PER_RUN_MAX = 10_000;
/**
 * What reconciliation settles is gone when the next run looks, or the one after it, should a provider be away. Past that it
 * does not settle it, and somebody has to know.
 */
const OPEN_RUNS_MAX = 3;
const DAY_MS = 24 * 60 * 60_000;
/** Long enough to look a quarter's closing up; 26,000 runs of the schedule. */
const RUNS_KEPT_MS = 90 * DAY_MS;
/** What was gone is looked up when a buyer asks about last year's ticket. */
const ENDED_FINDINGS_KEPT_MS = 400 * DAY_MS;
/** Each run forgets more than one run adds. A run's report has at most `FINDINGS_PER_RUN_MAX` rows. */
const FORGOTTEN_PER_RUN_MAX = 20;
/** Looking at it anew, everything counts that is there now. */
const FAR_AHEAD_MS = 60 * 60_000;

export interface ReconciliationDeps extends RepairDeps {
  readonly providers: readonly PaymentGateway[];
  /** What is younger may be under way. */
  readonly graceMs: number;
  readonly paymentDeadlineMs: number;
}

export type ReconciliationActivities = ReturnType<typeof createReconciliationActivities>;

/** Every effect of reconciliation: one step at a time, each repeatable. */
export function createReconciliationActivities(deps: ReconciliationDeps) {
  const steps = new ReconciliationSteps(deps);
  return {
    /** The next step of a run: what it finds is in its report, and acted on if that was asked for, when this returns. */
    reconcile: (step: ReconciliationStep): Promise<ReconciliationStepDone> => whileAlive(() => steps.take(step)),
  };
}

class ReconciliationSteps {
  readonly #deps: ReconciliationDeps;
  readonly #evidence: Evidence;
  readonly #looks: Looks;
  readonly #repairs: Repairs;

  constructor(deps: ReconciliationDeps) {
    this.#deps = deps;
    this.#evidence = new Evidence(deps);
    this.#repairs = new Repairs(deps, this.#evidence);
    const { db, providers } = deps;
    const judgedBefore = () => this.#judgedBefore();
    this.#looks = new Looks({ db, providers, evidence: this.#evidence, judgedBefore });
  }

  async take(step: ReconciliationStep): Promise<ReconciliationStepDone> {
    const { db } = this.#deps;
    const { runId, window, mode, startedBy, counts: before } = step;
    await beginRun(db, { id: runId, window, mode, startedBy });
    const { position, counts: seen, ...looked } = await this.#look(step);
    const differences = onlyOnce(looked.differences);
    await recordFindings(db, { runId, isDryRun: mode === 'dry_run' }, differences);
    const { found } = await countRunFindings(db, runId);
    const stoppedBecause =
      found > FINDINGS_PER_RUN_MAX
        ? `more than ${FINDINGS_PER_RUN_MAX} differences: the records as a whole do not fit`
        : null;
    if (stoppedBecause) log.error(stoppedBecause, { alert: 'reconciliation_stopped', runId });
    else if (mode === 'repair') {
      await atOnce(ASKED_AT_ONCE, differences, cancellationSignal(), (each) => this.#act(runId, each));
    }
    if (mode !== 'dry_run') await this.#callPerson();
    const { acted } = await countRunFindings(db, runId);
    const counts: ReconciliationCounts = {
      bookings: before.bookings + (seen.bookings ?? 0),
      movements: before.movements + (seen.movements ?? 0),
      shows: before.shows + (seen.shows ?? 0),
      ended: before.ended + (seen.ended ?? 0),
      found,
      acted,
    };
    const status: RunStatus = stoppedBecause ? 'STOPPED' : position.isDone ? 'COMPLETED' : 'RUNNING';
    const { phase, doneUntilMs } = position;
    if (position.isDone && mode !== 'dry_run') await this.#forgetOldReports();
    await noteProgress(db, runId, { status, phase, doneUntilMs, counts, stoppedBecause });
    return { position, counts, stoppedBecause };
  }

  #look(step: ReconciliationStep): Promise<Looked> {
    const { phase } = step.position;
    return phase === 'follow_up' ? this.#followUp(step) : this.#looks[phase](step);
  }

  #judgedBefore(): JudgedBefore {
    const quietMs = queuedAtMs() - this.#deps.graceMs;
    return { quietMs, attemptMs: quietMs - this.#deps.paymentDeadlineMs, holdMs: quietMs };
  }

  /** All that is open, whichever run has found it: gone, or acted on once more. */
  async #followUp({ position, mode, runId }: ReconciliationStep): Promise<Looked> {
    const { db } = this.#deps;
    const open = await listOpenFindings(db, { after: position.finding, limit: FOLLOWED_UP_PER_STEP });
    const now = { ...this.#judgedBefore(), quietMs: queuedAtMs() + FAR_AHEAD_MS };
    const isGone = await atOnce(ASKED_AT_ONCE, open, cancellationSignal(), async (known) => {
      const current = await unlessWithoutEvidence(() => this.#evidence.again(known, now), known);
      if (current === null) await endFinding(db, known);
      else if (mode === 'repair') await this.#act(runId, known);
      return current === null;
    });
    const left = open.filter((_, place) => !isGone[place]);
    await metAgain(db, runId, left);
    const isDone = open.length < FOLLOWED_UP_PER_STEP;
    const last = open.at(-1);
    const finding = last ? { kind: last.kind, subject: last.subject } : position.finding;
    return {
      position: { ...position, finding, isDone },
      differences: [],
      counts: { ended: open.length - left.length },
    };
  }

  /** What could not be done now is done by the next run: the difference stays open. */
  async #act(runId: string, known: Difference): Promise<void> {
    try {
      const done = await this.#repairs.act(known, this.#judgedBefore());
      if (done !== null) await noteDone(this.#deps.db, runId, known, done);
    } catch (error) {
      log.warn('a difference could not be settled', { kind: known.kind, subject: known.subject, error });
    }
  }

  #forgetOldReports(): Promise<void> {
    const nowMs = Date.now();
    const runsSinceMs = nowMs - RUNS_KEPT_MS;
    const endedSinceMs = nowMs - ENDED_FINDINGS_KEPT_MS;
    return purgeReports(this.#deps.db, { runsSinceMs, endedSinceMs, limit: FORGOTTEN_PER_RUN_MAX });
  }

  /** Once for each difference: what stays open stands in the book, and in the reports of all runs that meet it. */
  async #callPerson(): Promise<void> {
    for (const { difference, runs } of await callForPerson(this.#deps.db, { afterRuns: OPEN_RUNS_MAX })) {
      const { kind, subject, bookingId, detail } = difference;
      const about = { kind, subject, bookingId, detail, runs };
      log.error('the records disagree, and a person has to decide', { alert: 'records_disagree', ...about });
    }
  }
}
