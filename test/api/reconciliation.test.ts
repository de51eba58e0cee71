import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { signStaffToken } from '../../src/api/accounts/tokens.ts';
import type { ReconciliationBody, ReconciliationFindingPageBody } from '../../src/contracts/http/reconciliation.ts';
import { handOut, type Planted, Plants } from '../reconciliation/plants.ts';
import { untilProjected } from '../setup/shows.ts';
import { testSecrets, useTestSystem } from '../setup/system.ts';
import { type ApiClient, eventually, newGuest, newKey, staff } from './http-client.ts';

const GRACE_MS = 500;
const system = useTestSystem({ apis: 1, settings: { RECONCILIATION_GRACE_SECONDS: String(GRACE_MS / 1_000) } });
const url = (): string => system.apiUrls[0]!;
const hourAgo = () => new Date(Date.now() - 3_600_000).toISOString();
const now = () => new Date().toISOString();

let admin: ApiClient;
beforeAll(async () => {
  admin = await staff(url());
}, 120_000);

const ended = (id: string) =>
  eventually(
    async () => (await admin.get<ReconciliationBody>(`/admin/reconciliations/${id}`)).body,
    ({ status }) => status !== 'RUNNING',
  );

const untilShowProjected = ({ subject }: Planted): Promise<void> => untilProjected(system, subject.split('/')[0]!);

test('an admin starts a run and reads its report, with what each difference is and what to do', async () => {
  const planted = await new Plants(system).seatInShowOnly();
  await untilShowProjected(planted);
  await handOut(system);
  await delay(2 * GRACE_MS);
  const window = { from: hourAgo(), to: now(), repair: true };
  const begun = await admin.post<ReconciliationBody>('/admin/reconciliations', window);
  expect(begun).toMatchObject({ status: 202, body: { mode: 'repair', from: window.from, startedBy: 'usr_admin' } });
  expect(begun.headers.get('location')).toBe(`/api/v1/admin/reconciliations/${begun.body.id}`);
  expect(await ended(begun.body.id)).toMatchObject({ status: 'COMPLETED', counts: { found: 1, acted: 1, ended: 1 } });
  const { body } = await admin.get<ReconciliationFindingPageBody>(`/admin/reconciliations/${begun.body.id}/findings`);
  expect(body).toMatchObject({
    items: [
      {
        class: 'seat_in_show_only',
        subject: planted.subject,
        seats: [3, 4],
        state: 'REPAIRED',
        whatToDo: expect.any(String) as unknown,
      },
    ],
    nextCursor: null,
  });
});

test('a report is read page by page', async () => {
  const plants = new Plants(system);
  const planted = [await plants.seatInRowsOnly(), await plants.seatInRowsOnly(), await plants.seatInRowsOnly()];
  await Promise.all(planted.map(untilShowProjected));
  await handOut(system);
  await delay(2 * GRACE_MS);
  const begun = await admin.post<ReconciliationBody>('/admin/reconciliations', {
    from: hourAgo(),
    to: now(),
    dryRun: true,
  });
  await ended(begun.body.id);
  const found: string[] = [];
  for (let cursor = ''; ;) {
    const path = `/admin/reconciliations/${begun.body.id}/findings?limit=1${cursor}`;
    const { body } = await admin.get<ReconciliationFindingPageBody>(path);
    expect(body.items.length).toBeLessThanOrEqual(1);
    found.push(...body.items.map((item) => item.subject));
    if (body.nextCursor === null) break;
    cursor = `&cursor=${encodeURIComponent(body.nextCursor)}`;
  }
  expect(found.sort()).toEqual(planted.map(({ subject }) => subject).sort());
});

test.each([
  ['the end is not after the beginning', { from: '2026-11-20T00:00:00Z', to: '2026-11-20T00:00:00Z' }, 'to'],
  [
    'the window is longer than a book-keeper looks back',
    { from: '1999-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' },
    'from',
  ],
  [
    'a dry run is to repair',
    { from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z', dryRun: true, repair: true },
    'repair',
  ],
  ['a time is none', { from: 'yesterday', to: '2026-01-02T00:00:00Z' }, 'from'],
  [
    'something is there that nobody knows',
    { from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z', fast: true },
    'fast',
  ],
])('is refused when %s', async (_, body, path) => {
  expect(await admin.post('/admin/reconciliations', body)).toMatchObject({
    status: 400,
    body: { code: 'VALIDATION_FAILED', errors: expect.arrayContaining([expect.objectContaining({ path })]) as unknown },
  });
});

test('is begun once under a key: a repeat is given the answer of then', async () => {
  const key = newKey();
  const window = { from: hourAgo(), to: now() };
  const first = await admin.post<ReconciliationBody>('/admin/reconciliations', window, { key });
  await ended(first.body.id);
  const repeated = await admin.post<ReconciliationBody>('/admin/reconciliations', window, { key });
  expect([repeated.status, repeated.body]).toEqual([202, first.body]);
  expect(repeated.headers.get('idempotent-replayed')).toBe('true');
  const other = await admin.post('/admin/reconciliations', { ...window, dryRun: true }, { key });
  expect([other.status, other.body.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
});

test('is nobody’s but an admin’s', async () => {
  const body = { from: hourAgo(), to: now() };
  for (const caller of [await newGuest(url()), await staff(url(), 'theatre_owner'), await staff(url(), 'support')]) {
    expect((await caller.post('/admin/reconciliations', body)).status).toBe(403);
  }
  expect((await admin.get('/admin/reconciliations/rec_unknown')).status).toBe(404);
  expect((await admin.get('/admin/reconciliations/rec_unknown/findings')).status).toBe(404);
});

test('from the command line, with a CSV that no spreadsheet takes for formulas', async () => {
  const { subject } = await new Plants(system).seatRowMissing();
  await system.db
    .insertInto('booked_seats')
    .values({ show_id: subject.split('/')[0]!, seat_id: 'A8', booking_id: '=HYPERLINK("x")' })
    .execute();
  await handOut(system);
  await delay(2 * GRACE_MS);
  const csv = join(system.env.DATA_DIR!, 'report.csv');
  const token = await signStaffToken(testSecrets.JWT_SECRET, 'admin', 600);
  const window = ['--from', hourAgo(), '--to', now(), '--repair', '--csv', csv];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['src/cli/reconcile.ts', ...window, '--api', url(), '--token', token],
    { env: { PATH: process.env.PATH } },
  );
  expect(stdout).toContain(`seat_row_missing ${subject}`);
  expect(stdout).toMatch(/open: 0\.$/m);
  const text = await readFile(csv, 'utf8');
  expect(text).toContain(`seat_row_missing,${subject},REPAIRED`);
  expect(text).toContain(`"'=HYPERLINK(""x"")"`);
});
