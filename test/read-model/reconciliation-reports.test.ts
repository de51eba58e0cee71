import { difference } from '../../src/domain/reconciliation.ts';
import { newId } from '../../src/platform/ids.ts';
import {
  beginRun,
  countRunFindings,
  endFinding,
  findFinding,
  listOpenFindings,
  noteDone,
  recordFindings,
} from '../../src/read-model/reconciliation-reports.ts';
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
  expect(await recordFindings(db, first, [one, one])).toEqual([{ kind: one.kind, subject: one.subject }]);
  expect(await recordFindings(db, first, [one])).toEqual([]);
  expect(await countRunFindings(db, first.runId)).toEqual({ found: 1, acted: 0 });
  expect(await recordFindings(db, second, [one])).toEqual([]);
  expect(await findFinding(db, one)).toMatchObject({ difference: one, state: 'OPEN', runs: 2 });
});

test('what was done about it says how it ended; found again, it is open again and nothing was done', async () => {
  const { db } = postgres;
  const [one, other, first] = [found(), found(), await aRun()];
  await recordFindings(db, first, [one, other]);
  await noteDone(db, first.runId, one, 'a deed');
  await endFinding(db, one);
  await endFinding(db, other);
  expect(await findFinding(db, one)).toMatchObject({ state: 'REPAIRED', done: 'a deed' });
  expect(await findFinding(db, other)).toMatchObject({ state: 'RESOLVED', done: null });
  await recordFindings(db, await aRun(), [one]);
  expect(await findFinding(db, one)).toMatchObject({ state: 'OPEN', done: null, runs: 2 });
});

test('a dry run has a report and no part in the book', async () => {
  const { db } = postgres;
  const [one, { runId }] = [found(), await aRun()];
  await recordFindings(db, { runId, isDryRun: true }, [one]);
  expect(await countRunFindings(db, runId)).toEqual({ found: 1, acted: 0 });
  expect(await findFinding(db, one)).toBeNull();
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
