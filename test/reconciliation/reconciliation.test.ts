import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import type {
  ReconciliationMode,
  ReconciliationResult,
  ReconciliationWindow,
} from '../../src/contracts/reconciliation.ts';
import { taskQueues } from '../../src/contracts/workflow-ids.ts';
import { differenceClasses, type DifferenceClass } from '../../src/domain/reconciliation.ts';
import { newId } from '../../src/platform/ids.ts';
import { findRun, listRunFindings } from '../../src/read-model/reconciliation-reports.ts';
import { findingOf } from '../setup/findings.ts';
import { useTestSystem } from '../setup/system.ts';
import { handOut, type Planted, Plants } from './plants.ts';

const GRACE_MS = 1_000;
const system = useTestSystem({
  settings: { RECONCILIATION_GRACE_SECONDS: String(GRACE_MS / 1_000), PAYMENT_DEADLINE_SECONDS: '2' },
});

const startedAtMs = Date.now();
const untilNow = (): ReconciliationWindow => ({ fromMs: startedAtMs - 3_600_000, toMs: Date.now() });

async function reconcile(mode: ReconciliationMode, window = untilNow()): Promise<ReconciliationResult> {
  const runId = newId('rec');
  const options = {
    workflowId: runId,
    taskQueue: taskQueues.bookings,
    args: [{ window, mode, runId, startedBy: 'test' }],
  };
  return (await system.temporal.workflow.execute('reconciliationWorkflow', options)) as ReconciliationResult;
}

async function findingsOf({ runId }: ReconciliationResult): Promise<string[]> {
  const { items } = await listRunFindings(system.db, runId, { limit: 100 });
  return items.map(({ difference }) => `${difference.kind} ${difference.subject}`).sort();
}

const named = (planted: readonly Planted[]): string[] =>
  planted.map(({ kind, subject }) => `${kind} ${subject}`).sort();

/** Of all tables that a sale consists of. */
async function everything(): Promise<unknown> {
  const tables = ['bookings', 'booked_seats', 'payments', 'refunds', 'outbox', 'outbox_parked', 'seat_map_snapshots'];
  const rows = tables.map(
    (table) => sql`select md5(string_agg(row::text, ',' order by row::text)) as digest from ${sql.table(table)} as row`,
  );
  const digests = await Promise.all(rows.map(async (query) => (await query.execute(system.db)).rows));
  const book = await system.db
    .selectFrom('reconciliation_findings')
    .selectAll()
    .orderBy('kind')
    .orderBy('subject')
    .execute();
  return { digests, book };
}

describe('differences of every class', () => {
  let planted: Planted[];

  beforeAll(async () => {
    // What they settle by themselves would be settled before it is looked for.
    await system.temporal.schedule.getHandle('payment-sweep').pause();
    planted = await new Plants(system).all();
    await handOut(system);
    await delay(GRACE_MS + 2_500);
  }, 120_000);

  test('are planted here', () => {
    const kinds = new Set(planted.map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(Object.keys(differenceClasses).sort());
  });

  test('are all found by a dry run, which changes nothing at all', async () => {
    const before = await everything();
    const result = await reconcile('dry_run');
    expect(await findingsOf(result)).toEqual(named(planted));
    expect(await everything()).toEqual(before);
    expect(await findRun(system.db, result.runId)).toMatchObject({
      status: 'COMPLETED',
      counts: { found: planted.length, acted: 0 },
    });
  });

  test('are repaired where there is one right answer, and reported where there is none', async () => {
    const result = await reconcile('repair');
    expect(await findingsOf(result)).toEqual(named(planted));
    const repairable = planted.filter(({ kind }) => differenceClasses[kind].repair !== null);
    await handOut(system);
    await delay(GRACE_MS);
    await reconcile('repair');
    const states = await Promise.all(
      planted.map(async ({ kind, subject }) => {
        const finding = await findingOf(system.db, { kind, subject });
        return `${kind} ${finding?.state}`;
      }),
    );
    const expected = planted.map(({ kind }: { kind: DifferenceClass }) =>
      differenceClasses[kind].repair === null ? `${kind} OPEN` : `${kind} REPAIRED`,
    );
    expect(states).toEqual(expected);
    expect(repairable.length).toBeGreaterThan(10);
  });

  test('once more: nothing new, and nothing changes', async () => {
    await handOut(system);
    await delay(GRACE_MS);
    const reported = planted.filter(({ kind }) => differenceClasses[kind].repair === null);
    const before = await everything();
    const result = await reconcile('repair');
    expect(await findingsOf(result)).toEqual(named(reported));
    expect(result.counts).toMatchObject({ acted: 0, ended: 0 });
    const counted = (book: unknown) =>
      JSON.stringify(book, (key, value: unknown) => (/^(runs|last_.*)$/.test(key) ? undefined : value));
    expect(counted(await everything())).toBe(counted(before));
  });
});
