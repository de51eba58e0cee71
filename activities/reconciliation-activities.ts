import { heartbeat, log } from '@temporalio/activity';
import type {
  ReconciliationCounts,
  ReconciliationPosition,
  ReconciliationStep,
  ReconciliationStepDone,
  ReconciliationWindow,
} from '../src/contracts/reconciliation.ts';
import {
  type Difference,
  type DifferenceKey,
  isSameDifference,
  type JudgedBefore,
  type Movement,
} from '../src/domain/reconciliation.ts';
import type { PaymentGateway } from '../src/gateways/payment-gateway.ts';
import {
  bookingsOfAttempts,
  bookingsWithin,
  confirmedWithoutRows,
  loadMoneyCases,
  showsChangedSince,
  showsUnchangedSince,
  sliceEnd,
} from '../src/read-model/reconciliation.ts';
import {
  beginRun,
  countRunFindings,
  endFinding,
  listOpenFindings,
  noteDone,
  noteProgress,
  recordFindings,
} from '../src/read-model/reconciliation-reports.ts';
import { readBooks } from './reconciliation-books.ts';
import { Evidence, NoEvidenceError } from './reconciliation-evidence.ts';
import { type RepairDeps, Repairs } from './reconciliation-repairs.ts';

/**
 * Of each kind of row, and of each provider's movements, in one slice of the window: some megabytes, and a second or two.
 * A step that is cut off is done again from its beginning.
 */
const ROWS_PER_SLICE_MAX = 5_000;
/** Rows of a slice are found by looking through this much of the window: a busy machine writes some 250,000 in it. */
const SLICE_MS_MAX = 60 * 60_000;
/** A quiet window has many slices with little in them: one step takes as many as it can in this time. */
const MONEY_STEP_MS = 5_000;
/** Cases that are loaded and judged at a time; each statement stays far below its time. */
const CASES_PER_PAGE = 1_000;
/** Shows looked at in one step. A large one takes a second. */
const SHOWS_PER_STEP = 8;
const SHOWS_AT_ONCE = 2;
/** Open differences looked at anew in one step. */
const FOLLOWED_UP_PER_STEP = 200;
/** Providers, shows and the Temporal server are asked by so many at once, beside all that sell. */
const ASKED_AT_ONCE = 8;
/**
 * With more differences than this it is not single bookings that are wrong, but the records as a whole: another provider's
 * books, a database that was restored. A run that goes on would ask and repair for hours what one cause has done.
 */
const FINDINGS_PER_RUN_MAX = 10_000;
/** Looking at it anew, everything counts that is there now. */
const FAR_AHEAD_MS = 60 * 60_000;

export interface ReconciliationDeps extends RepairDeps {
  readonly providers: readonly PaymentGateway[];
  /** What is younger may be under way. */
  readonly graceMs: number;
  readonly paymentDeadlineMs: number;
}

export type ReconciliationActivities = ReturnType<typeof createReconciliationActivities>;

/** What a step has come to. */
interface Looked {
  readonly position: ReconciliationPosition;
  readonly differences: readonly Difference[];
  readonly counts: Partial<ReconciliationCounts>;
}

/** Every effect of reconciliation: one step at a time, each repeatable. */
export function createReconciliationActivities(deps: ReconciliationDeps) {
  const { db, providers, graceMs, paymentDeadlineMs } = deps;
  const evidence = new Evidence(deps);
  const repairs = new Repairs(deps, evidence);

  const judgedBefore = (): JudgedBefore => {
    const quietMs = Date.now() - graceMs;
    return { quietMs, attemptMs: quietMs - paymentDeadlineMs, holdMs: quietMs };
  };

  /** What one slice of the window has of money: the provider's books and our rows, joined booking by booking. */
  async function lookAtMoney({ window, position }: ReconciliationStep): Promise<Looked> {
    const differences: Difference[] = [];
    const seen = { bookings: 0, movements: 0 };
    const untilMs = Date.now() + MONEY_STEP_MS;
    let doneUntilMs = position.doneUntilMs;
    while (doneUntilMs < window.toMs && seen.bookings < ROWS_PER_SLICE_MAX && Date.now() < untilMs) {
      const slice = await lookAtSlice(window, doneUntilMs);
      differences.push(...slice.differences);
      seen.bookings += slice.bookings;
      seen.movements += slice.movements;
      doneUntilMs = slice.toMs;
      heartbeat();
    }
    const isLast = doneUntilMs >= window.toMs;
    return { position: { ...position, doneUntilMs, ...(isLast && { phase: 'seats' }) }, differences, counts: seen };
  }

  async function lookAtSlice(window: ReconciliationWindow, fromMs: number) {
    const longest = { fromMs, toMs: Math.min(window.toMs, fromMs + SLICE_MS_MAX) };
    const byRows = await sliceEnd(db, longest, ROWS_PER_SLICE_MAX);
    const { movements, toMs } = await readBooks(providers, { fromMs, toMs: byRows }, ROWS_PER_SLICE_MAX);
    const slice = { fromMs, toMs };
    const byBooking = await movementsByBooking(movements);
    const ids = [...new Set([...(await bookingsWithin(db, slice)), ...byBooking.keys()])];
    const before = judgedBefore();
    const differences: Difference[] = [];
    for (let from = 0; from < ids.length; from += CASES_PER_PAGE) {
      const page = ids.slice(from, from + CASES_PER_PAGE);
      differences.push(...(await judgeMoney(page, byBooking, before)), ...(await judgeForgotten(page, window, before)));
    }
    return { differences, bookings: ids.length, movements: movements.length, toMs };
  }

  async function movementsByBooking(movements: readonly Movement[]): Promise<Map<string, Movement[]>> {
    const unnamed = movements.flatMap(({ bookingId, attemptId }) =>
      bookingId === null && attemptId ? [attemptId] : [],
    );
    const byAttempt = unnamed.length > 0 ? await bookingsOfAttempts(db, unnamed) : new Map<string, string>();
    // What names nothing that we know is a case of its own.
    return Map.groupBy(
      movements,
      ({ bookingId, attemptId, id }) => bookingId ?? byAttempt.get(attemptId ?? '') ?? `?${id}`,
    );
  }

  async function judgeMoney(
    ids: readonly string[],
    byBooking: ReadonlyMap<string, readonly Movement[]>,
    before: JudgedBefore,
  ): Promise<Difference[]> {
    const cases = await loadMoneyCases(db, ids);
    const found = await atOnce(ASKED_AT_ONCE, cases, async (each) => {
      const members = new Set([each.id, ...each.bookings.map(({ id }) => id)]);
      const movements = [...members].flatMap((id) => byBooking.get(id) ?? []);
      return judged(() => evidence.ofMoney(each, movements, before), []);
    });
    return found.flat();
  }

  /** Confirmed bookings that no rows tell of, and shows that have moved without their readers: not found by their maps. */
  async function judgeForgotten(
    ids: readonly string[],
    window: ReconciliationWindow,
    before: JudgedBefore,
  ): Promise<Difference[]> {
    const rowless = Map.groupBy(await confirmedWithoutRows(db, ids), ({ showId }) => showId);
    const shows = new Set([...rowless.keys(), ...(await showsUnchangedSince(db, ids, window.fromMs))]);
    const found = await atOnce(SHOWS_AT_ONCE, [...shows], async (showId) => {
      const about = rowless.get(showId)?.map(({ id }) => id) ?? [];
      return (await evidence.ofSeats(showId, before, about)).differences;
    });
    return found.flat();
  }

  async function lookAtSeats({ window, position }: ReconciliationStep): Promise<Looked> {
    const shows = await showsChangedSince(db, window, { after: position.show, limit: SHOWS_PER_STEP });
    const before = judgedBefore();
    const found = await atOnce(SHOWS_AT_ONCE, shows, async (showId) => {
      return (await evidence.ofSeats(showId, before)).differences;
    });
    const isLast = shows.length < SHOWS_PER_STEP;
    const show = shows.at(-1) ?? position.show;
    return {
      position: { ...position, show, ...(isLast && { phase: 'messages' }) },
      differences: found.flat(),
      counts: { shows: shows.length },
    };
  }

  async function lookAtMessages({ window, position, mode }: ReconciliationStep): Promise<Looked> {
    const differences = await evidence.ofMessages(Math.min(window.toMs, judgedBefore().quietMs));
    const isLast = mode === 'dry_run';
    return { position: { ...position, phase: 'follow_up', isDone: isLast }, differences, counts: {} };
  }

  /** All that is open, whichever run has found it: gone, or acted on once more. */
  async function followUp({ position, mode, runId }: ReconciliationStep): Promise<Looked> {
    const open = await listOpenFindings(db, { after: position.finding, limit: FOLLOWED_UP_PER_STEP });
    const now = { ...judgedBefore(), quietMs: Date.now() + FAR_AHEAD_MS };
    const ended = await atOnce(ASKED_AT_ONCE, open, async (known) => {
      const current = await judged(() => evidence.again(known, now), known);
      if (current === null) await endFinding(db, known);
      else if (mode === 'repair') await act(runId, known);
      return current === null;
    });
    const isDone = open.length < FOLLOWED_UP_PER_STEP;
    const last = open.at(-1);
    const finding = last ? { kind: last.kind, subject: last.subject } : position.finding;
    return {
      position: { ...position, finding, isDone },
      differences: [],
      counts: { ended: ended.filter(Boolean).length },
    };
  }

  /** What could not be done now is done by the next run: the difference stays open. */
  async function act(runId: string, known: Difference): Promise<void> {
    try {
      const done = await repairs.act(known, judgedBefore());
      if (done !== null) await noteDone(db, runId, known, done);
    } catch (error) {
      log.warn('a difference could not be settled', { kind: known.kind, subject: known.subject, error });
    }
  }

  const looks = { money: lookAtMoney, seats: lookAtSeats, messages: lookAtMessages, follow_up: followUp } as const;

  return {
    /** The next step of a run: what it finds is in its report, and acted on if that was asked for, when this returns. */
    async reconcile(step: ReconciliationStep): Promise<ReconciliationStepDone> {
      const { runId, window, mode, startedBy, counts: before } = step;
      await beginRun(db, { id: runId, window, mode, startedBy });
      const looked = await looks[step.position.phase](step);
      const differences = onlyOnce(looked.differences);
      const fresh = await recordFindings(db, { runId, isDryRun: mode === 'dry_run' }, differences);
      callPerson(differences, fresh);
      const { found } = await countRunFindings(db, runId);
      const tooMany = found > FINDINGS_PER_RUN_MAX;
      if (mode === 'repair' && !tooMany) {
        await atOnce(ASKED_AT_ONCE, differences, (each) => act(runId, each));
      }
      const { acted } = await countRunFindings(db, runId);
      const counts: ReconciliationCounts = {
        bookings: before.bookings + (looked.counts.bookings ?? 0),
        movements: before.movements + (looked.counts.movements ?? 0),
        shows: before.shows + (looked.counts.shows ?? 0),
        ended: before.ended + (looked.counts.ended ?? 0),
        found,
        acted,
      };
      const stoppedBecause = tooMany
        ? `more than ${FINDINGS_PER_RUN_MAX} differences: the records as a whole do not fit`
        : null;
      if (stoppedBecause) log.error(stoppedBecause, { alert: 'reconciliation_stopped', runId });
      const { position } = looked;
      const status = stoppedBecause ? 'STOPPED' : position.isDone ? 'COMPLETED' : 'RUNNING';
      const { phase, doneUntilMs } = position;
      await noteProgress(db, runId, { status, phase, doneUntilMs, counts, stoppedBecause });
      return { position, counts, stoppedBecause };
    },
  };
}

/** One may have been met on several ways, as one of its booking and one of its show. */
const onlyOnce = (differences: readonly Difference[]): readonly Difference[] => [
  ...new Map(differences.map((each) => [`${each.kind} ${each.subject}`, each])).values(),
];

/** Once for each difference: what stays open stands in the book, and in the reports of all runs that meet it. */
function callPerson(differences: readonly Difference[], fresh: readonly DifferenceKey[]): void {
  for (const each of differences) {
    if (!each.needsPerson || !fresh.some((key) => isSameDifference(key, each))) continue;
    const { kind, subject, bookingId, detail } = each;
    const about = { kind, subject, bookingId, detail };
    log.error('the records disagree, and a person has to decide', { alert: 'records_disagree', ...about });
  }
}

/** Of what can't be judged now, because a provider does not answer, nothing is said. */
async function judged<Result>(look: () => Promise<Result>, otherwise: Result): Promise<Result> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof NoEvidenceError)) throw error;
    log.warn('a case could not be judged', { error });
    return otherwise;
  }
}

/** In so many lanes, with a sign of life after each. */
async function atOnce<Item, Result>(
  lanes: number,
  items: readonly Item[],
  run: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  const lane = async () => {
    for (const [place, item] of queue) {
      results[place] = await run(item);
      heartbeat();
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}
