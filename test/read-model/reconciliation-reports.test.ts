import { sql } from 'kysely';
import { noCounts } from '../../src/contracts/reconciliation.ts';
import { difference } from '../../src/domain/reconciliation.ts';
import { newId } from '../../src/platform/ids.ts';
import {
  beginRun,
  callForPerson,
  countRunFindings,
  endFinding,
  findRun,
  listOpenFindings,
  metAgain,
  noteDone,
  noteProgress,
  purgeReports,
  recordFindings,
} from '../../src/read-model/reconciliation-reports.ts';
import { findingOf } from '../setup/findings.ts';
import { useTestDatabase } from '../setup/postgres.ts';

const postgres = useTestDatabase();

const found = () =>
  difference({
    kind: 'captured_twice',
    subject: newId('pay'),
    bookingId: newId('bkg'),
    found: { amount: 500, currency: 'INR' },
    seats: [3, 1],
    detail: 'a detail',
  });

async function aRun(): Promise<{ readonly runId: string; readonly isDryRun: boolean }> {
  const runId = newId('rec');
  await beginRun(postgres.db, { id: runId, window: { fromMs: 0, toMs: 1 }, mode: 'repair', startedBy: 'test' });
  return { runId, isDryRun: false };
}

test('a difference that is met twice, in one run or in several, is one and counts once a run', async () => {
  const { db } = postgres;
  const [one, first, second] = [found(), await aRun(), await aRun()];
  await recordFindings(db, first, [one]);
  await recordFindings(db, first, [one]);
  await metAgain(db, first.runId, [one]);
  expect(await countRunFindings(db, first.runId)).toEqual({ found: 1, acted: 0 });
  await recordFindings(db, second, [one]);
  await metAgain(db, second.runId, [one]);
  expect(await findingOf(db, one)).toMatchObject({ state: 'OPEN', runs: 2 });
  expect(await listOpenFindings(db, { after: null, limit: 10 })).toEqual([one]);
});

test('what was done about it says how it ended; found again, it is open again and nothing was done', async () => {
  const { db } = postgres;
  const [one, other, first] = [found(), found(), await aRun()];
  await recordFindings(db, first, [one, other]);
  await noteDone(db, first.runId, one, 'a deed');
  await endFinding(db, one);
  await endFinding(db, other);
  expect(await findingOf(db, one)).toMatchObject({ state: 'REPAIRED', done: 'a deed' });
  expect(await findingOf(db, other)).toMatchObject({ state: 'RESOLVED', done: null });
  await recordFindings(db, await aRun(), [one]);
  expect(await findingOf(db, one)).toMatchObject({ state: 'OPEN', done: null, runs: 2 });
});

test('a person is called once: at once for what no actor settles, for all else when runs have not settled it', async () => {
  const { db } = postgres;
  await db.deleteFrom('reconciliation_findings').execute();
  const settles = found();
  const never = { ...found(), needsPerson: true };
  const subjects = async () =>
    (await callForPerson(db, { afterRuns: 3 })).map(({ difference: { subject } }) => subject);
  await recordFindings(db, await aRun(), [settles, never]);
  expect(await subjects()).toEqual([never.subject]);
  await metAgain(db, (await aRun()).runId, [settles, never]);
  expect(await subjects()).toEqual([]);
  await metAgain(db, (await aRun()).runId, [settles, never]);
  expect(await subjects()).toEqual([settles.subject]);
  await metAgain(db, (await aRun()).runId, [settles, never]);
  expect(await subjects()).toEqual([]);
  await endFinding(db, never);
  await recordFindings(db, await aRun(), [never]);
  expect(await subjects()).toEqual([never.subject]);
});

test('old reports are forgotten, and what is open or young is not', async () => {
  const { db } = postgres;
  const [old, young] = [await aRun(), await aRun()];
  const [gone, goneOfLate, open] = [found(), found(), found()];
  await recordFindings(db, old, [gone, goneOfLate, open]);
  await recordFindings(db, young, [open]);
  for (const { runId } of [old, young]) {
    await noteProgress(db, runId, {
      status: 'COMPLETED',
      phase: 'follow_up',
      doneUntilMs: 1,
      counts: noCounts,
      stoppedBecause: null,
    });
  }
  for (const each of [gone, goneOfLate]) await endFinding(db, each);
  await sql`update reconciliation_runs set started_at = now() - interval '9 days', ended_at = now() - interval '8 days'
    where id = ${old.runId}`.execute(db);
  await sql`update reconciliation_findings set ended_at = now() - interval '8 days' where subject = ${gone.subject}`.execute(
    db,
  );
  const aWeekAgoMs = Date.now() - 7 * 24 * 60 * 60_000;
  await purgeReports(db, { runsSinceMs: aWeekAgoMs, endedSinceMs: aWeekAgoMs, limit: 10 });
  expect([await findRun(db, old.runId), await countRunFindings(db, old.runId)]).toEqual([null, { found: 0, acted: 0 }]);
  expect(await countRunFindings(db, young.runId)).toEqual({ found: 1, acted: 0 });
  const left = await Promise.all([gone, goneOfLate, open].map((each) => findingOf(db, each)));
  expect(left.map((each) => each?.state)).toEqual([undefined, 'RESOLVED', 'OPEN']);
});

test('a dry run has a report and no part in the book', async () => {
  const { db } = postgres;
  const [one, { runId }] = [found(), await aRun()];
  await recordFindings(db, { runId, isDryRun: true }, [one]);
  expect(await countRunFindings(db, runId)).toEqual({ found: 1, acted: 0 });
  expect(await findingOf(db, one)).toBeNull();
});

test('open ones are listed page by page in the order of their keys', async () => {
  const { db } = postgres;
  await db.deleteFrom('reconciliation_findings').execute();
  const three = [found(), found(), found()];
  await recordFindings(db, await aRun(), three);
  const listed: string[] = [];
  for (let after = null as (typeof three)[number] | null; ;) {
    const page = await listOpenFindings(db, { after, limit: 2 });
    listed.push(...page.map(({ subject }) => subject));
    if (page.length < 2) break;
    after = page.at(-1)!;
  }
  expect(new Set(listed)).toEqual(new Set(three.map(({ subject }) => subject)));
  expect(listed).toHaveLength(3);
});
