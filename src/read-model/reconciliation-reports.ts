import { sql } from 'kysely';
import { z } from 'zod';
import {
  noCounts,
  type ReconciliationCounts,
  type ReconciliationMode,
  type ReconciliationPhase,
  type RunStatus,
} from '../contracts/reconciliation.ts';
import type { Difference, DifferenceClass, DifferenceKey } from '../domain/reconciliation.ts';
import { cursorNumber, cursorOf, type Page, type PageRequest, toPage } from './cursors.ts';
import type { ReadModel } from './database.ts';
import type { TimeWindow } from './reconciliation.ts';
import type { ReconciliationFindingRow, ReconciliationRunRow } from './tables.ts';

export interface ReconciliationRun {
  readonly id: string;
  readonly window: TimeWindow;
  readonly mode: ReconciliationMode;
  readonly startedBy: string;
  readonly status: RunStatus;
  readonly phase: ReconciliationPhase;
  /** The window is done up to here, in the phase of money; null before the first slice. */
  readonly doneUntilMs: number | null;
  readonly counts: ReconciliationCounts;
  /** Why it was stopped before its end. */
  readonly stoppedBecause: string | null;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
}

/** A difference as a run has found it, and what the run did about it; null: nothing. */
export interface RunFinding {
  readonly difference: Difference;
  readonly done: string | null;
}

/** As a run has found it, and as it stands now; null: no run that counts has met it. */
export interface StatedFinding extends RunFinding {
  readonly state: Finding['state'] | null;
}

/** A difference as it stands, through all runs that have met it. */
export interface Finding extends RunFinding {
  readonly state: 'OPEN' | 'REPAIRED' | 'RESOLVED';
  readonly runs: number;
  readonly firstSeenAtMs: number;
  readonly lastSeenAtMs: number;
}

/** Repeated it changes nothing. */
export async function beginRun(
  db: ReadModel,
  run: Pick<ReconciliationRun, 'id' | 'window' | 'mode' | 'startedBy'>,
): Promise<void> {
  await db
    .insertInto('reconciliation_runs')
    .values({
      id: run.id,
      from_at: new Date(run.window.fromMs),
      to_at: new Date(run.window.toMs),
      mode: run.mode,
      started_by: run.startedBy,
      status: 'RUNNING',
      phase: 'money',
      counts: JSON.stringify(noCounts),
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
}

export type RunProgress = Pick<ReconciliationRun, 'status' | 'phase' | 'doneUntilMs' | 'counts' | 'stoppedBecause'>;

export async function noteProgress(db: ReadModel, runId: string, progress: RunProgress): Promise<void> {
  const { status, phase, doneUntilMs, counts, stoppedBecause } = progress;
  await db
    .updateTable('reconciliation_runs')
    .set({
      status,
      phase,
      done_until: doneUntilMs === null ? null : new Date(doneUntilMs),
      counts: JSON.stringify(counts),
      stopped_because: stoppedBecause,
      ...(status !== 'RUNNING' && { ended_at: sql<Date>`coalesce(ended_at, now())` }),
    })
    .where('id', '=', runId)
    .execute();
}

/**
 * Enters differences, each given once, into a run's report and, unless it is a dry run, into the book of all differences: a known one is
 * counted once a run, one that had ended is open again. Repeatable.
 */
export async function recordFindings(
  db: ReadModel,
  { runId, isDryRun }: { readonly runId: string; readonly isDryRun: boolean },
  differences: readonly Difference[],
): Promise<void> {
  if (differences.length === 0) return;
  const sorted = differences.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  await db.transaction().execute(async (trx) => {
    await sql`
      insert into reconciliation_run_findings (run_id, kind, subject, finding)
      select ${runId}, finding ->> 'kind', finding ->> 'subject', finding
      from jsonb_array_elements(${JSON.stringify(sorted)}::jsonb) as finding
      on conflict do nothing`.execute(trx);
    if (!isDryRun) await bookFindings(trx, runId, sorted);
  });
}

const keyOf = ({ kind, subject }: DifferenceKey): string => `${kind} ${subject}`;

async function bookFindings(db: ReadModel, runId: string, differences: readonly Difference[]): Promise<void> {
  await sql`
    insert into reconciliation_findings as known (kind, subject, state, booking_id, show_id, attempt_id, refund_id, seats,
      due, found, evidence, detail, needs_person, first_run_id, last_run_id, runs, first_seen_at, last_seen_at)
    select kind, subject, 'OPEN', "bookingId", "showId", "attemptId", "refundId",
      array(select seat::int from jsonb_array_elements_text(seats) as seat), nullif(due, 'null'), nullif(found, 'null'), evidence,
      detail, "needsPerson", ${runId}, ${runId}, 1, now(), now()
    from jsonb_to_recordset(${JSON.stringify(differences)}::jsonb) as finding (kind text, subject text,
      "bookingId" text, "showId" text, "attemptId" text, "refundId" text, seats jsonb, due jsonb, found jsonb, evidence jsonb,
      detail text, "needsPerson" boolean)
    on conflict (kind, subject) do update set
      state = 'OPEN',
      seats = excluded.seats,
      due = excluded.due,
      found = excluded.found,
      evidence = excluded.evidence,
      detail = excluded.detail,
      needs_person = excluded.needs_person,
      last_run_id = excluded.last_run_id,
      runs = known.runs + 1,
      last_seen_at = excluded.last_seen_at,
      done = case when known.state = 'OPEN' then known.done end,
      called_at = case when known.state = 'OPEN' then known.called_at end,
      ended_at = null
    where known.last_run_id <> excluded.last_run_id`.execute(db);
}

/** These are open still: counted once a run, whether it has met them in its window or by looking at all that is open. */
export async function metAgain(db: ReadModel, runId: string, differences: readonly DifferenceKey[]): Promise<void> {
  if (differences.length === 0) return;
  await sql`
    update reconciliation_findings as known
    set runs = known.runs + 1, last_run_id = ${runId}, last_seen_at = now()
    from jsonb_to_recordset(${JSON.stringify(differences)}::jsonb) as met (kind text, subject text)
    where known.kind = met.kind and known.subject = met.subject
      and known.state = 'OPEN' and known.last_run_id <> ${runId}`.execute(db);
}

/**
 * The open differences that a person has to know of and has not been called for: no actor can settle them, or so many runs
 * have not. Each is given once while it is open.
 */
export async function callForPerson(
  db: ReadModel,
  { afterRuns }: { readonly afterRuns: number },
): Promise<readonly Pick<Finding, 'difference' | 'runs'>[]> {
  const rows = await db
    .updateTable('reconciliation_findings')
    .set({ called_at: sql<Date>`now()` })
    .where('state', '=', 'OPEN')
    .where('called_at', 'is', null)
    .where((where) => where.or([where('needs_person', '=', true), where('runs', '>=', afterRuns)]))
    .returningAll()
    .execute();
  return rows.map(toFinding);
}

/** What was done about a difference, in the run's report and in the book. */
export async function noteDone(
  db: ReadModel,
  runId: string,
  { kind, subject }: DifferenceKey,
  done: string,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await trx
      .updateTable('reconciliation_run_findings')
      .set({ done })
      .where('run_id', '=', runId)
      .where('kind', '=', kind)
      .where('subject', '=', subject)
      .execute();
    await trx
      .updateTable('reconciliation_findings')
      .set({ done })
      .where('kind', '=', kind)
      .where('subject', '=', subject)
      .where('state', '=', 'OPEN')
      .execute();
  });
}

/** A difference is gone: repaired if something was done about it, else resolved by itself or by a person. */
export async function endFinding(db: ReadModel, { kind, subject }: DifferenceKey): Promise<void> {
  await db
    .updateTable('reconciliation_findings')
    .set({ state: sql`case when done is null then 'RESOLVED' else 'REPAIRED' end`, ended_at: sql<Date>`now()` })
    .where('kind', '=', kind)
    .where('subject', '=', subject)
    .where('state', '=', 'OPEN')
    .execute();
}

/** Open differences in the order of their keys. */
export async function listOpenFindings(
  db: ReadModel,
  { after, limit }: { readonly after: DifferenceKey | null; readonly limit: number },
): Promise<Difference[]> {
  let query = db.selectFrom('reconciliation_findings').selectAll().where('state', '=', 'OPEN');
  if (after) query = query.where(sql<boolean>`(kind, subject) > (${after.kind}, ${after.subject})`);
  const rows = await query.orderBy('kind').orderBy('subject').limit(limit).execute();
  return rows.map((row) => toFinding(row).difference);
}

export async function findRun(db: ReadModel, id: string): Promise<ReconciliationRun | null> {
  const row = await db.selectFrom('reconciliation_runs').selectAll().where('id', '=', id).executeTakeFirst();
  return row ? toRun(row) : null;
}

/** Differences of a run's report, and those of them that something was done about. */
export async function countRunFindings(
  db: ReadModel,
  runId: string,
): Promise<{ readonly found: number; readonly acted: number }> {
  const { rows } = await sql<{ found: number; acted: number }>`
    select count(*)::int as found, count(done)::int as acted
    from reconciliation_run_findings where run_id = ${runId}`.execute(db);
  return rows[0]!;
}

const runFindingsCursor = cursorOf('reconciliation-findings', z.tuple([cursorNumber.int()]));

/**
 * A run's report, in the order in which it was made.
 * @throws InvalidCursorError
 */
export async function listRunFindings(
  db: ReadModel,
  runId: string,
  { limit, cursor }: PageRequest,
): Promise<Page<StatedFinding>> {
  const [after] = runFindingsCursor.decode(cursor) ?? [-1];
  const rows = await db
    .selectFrom('reconciliation_run_findings as met')
    .leftJoin('reconciliation_findings as known', (join) =>
      join.onRef('known.kind', '=', 'met.kind').onRef('known.subject', '=', 'met.subject'),
    )
    .select(['met.position', 'met.finding', 'met.done', 'known.state'])
    .where('met.run_id', '=', runId)
    .where('met.position', '>', after)
    .orderBy('met.position')
    .limit(limit + 1)
    .execute();
  return toPage(
    rows,
    limit,
    (row) => ({ difference: row.finding, done: row.done, state: row.state }),
    (row) => runFindingsCursor.encode([row.position]),
  );
}

export interface ReportsKept {
  /** Runs that ended before go, with their reports. */
  readonly runsSinceMs: number;
  /** Differences that were gone before go; open ones stay. */
  readonly endedSinceMs: number;
  /** Of each at once. */
  readonly limit: number;
}

/** Forgets old reports, the oldest first. */
export async function purgeReports(db: ReadModel, { runsSinceMs, endedSinceMs, limit }: ReportsKept): Promise<void> {
  await sql`
    with old as (
      delete from reconciliation_runs where id in (
        select id from reconciliation_runs where started_at < ${new Date(runsSinceMs)} and ended_at < ${new Date(runsSinceMs)}
        order by started_at limit ${limit} for update skip locked)
      returning id
    )
    delete from reconciliation_run_findings where run_id in (select id from old)`.execute(db);
  await sql`
    delete from reconciliation_findings where (kind, subject) in (
      select kind, subject from reconciliation_findings where ended_at < ${new Date(endedSinceMs)}
      order by ended_at limit ${limit} for update skip locked)`.execute(db);
}

const toRun = (row: ReconciliationRunRow): ReconciliationRun => ({
  id: row.id,
  window: { fromMs: row.from_at.getTime(), toMs: row.to_at.getTime() },
  mode: row.mode,
  startedBy: row.started_by,
  status: row.status,
  phase: row.phase,
  doneUntilMs: row.done_until?.getTime() ?? null,
  counts: row.counts,
  stoppedBecause: row.stopped_because,
  startedAtMs: row.started_at.getTime(),
  endedAtMs: row.ended_at?.getTime() ?? null,
});

const toFinding = (row: ReconciliationFindingRow): Finding => ({
  difference: {
    kind: row.kind as DifferenceClass,
    subject: row.subject,
    bookingId: row.booking_id,
    showId: row.show_id,
    attemptId: row.attempt_id,
    refundId: row.refund_id,
    seats: row.seats,
    due: row.due,
    found: row.found,
    evidence: row.evidence,
    detail: row.detail,
    needsPerson: row.needs_person,
  },
  done: row.done,
  state: row.state,
  runs: row.runs,
  firstSeenAtMs: row.first_seen_at.getTime(),
  lastSeenAtMs: row.last_seen_at.getTime(),
});
