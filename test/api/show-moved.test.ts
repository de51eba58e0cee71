import type { ShowBody } from '../../src/contracts/http/catalogue.ts';
import type { Problem } from '../../src/contracts/http/problems.ts';
import { newId } from '../../src/platform/ids.ts';
import { insertCity } from '../../src/read-model/catalogue.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { showWorkflowId } from '../../src/contracts/workflow-ids.ts';
import { eventually } from '../setup/eventually.ts';
import { rowOf } from '../setup/bookings.ts';
import { netCaptured, openShow, rowsOfSeats, type ShowOptions } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { type ApiClient, newGuest, newKey, staff } from './http-client.ts';

const system = useTestSystem({ apis: 2 });
const url = (): string => system.apiUrls[0]!;
const HOUR_MS = 3_600_000;

let admin: ApiClient;
let buyer: ApiClient;
beforeAll(async () => {
  admin = await staff(url());
  buyer = await newGuest(url());
}, 120_000);

type Moved = ShowBody & Pick<Problem, 'code' | 'errors' | 'showStatus'>;
const iso = (timeMs: number): string => new Date(timeMs).toISOString();
const inHours = (hours: number): string => iso(Date.now() + hours * HOUR_MS);

const patch = (show: Pick<Show, 'id'>, move: unknown, ifMatch: string | null = '"v1"', by = admin, key?: string) =>
  by.send<Moved>('PATCH', `/admin/shows/${show.id}`, move, {
    ...(key !== undefined && { key }),
    headers: ifMatch === null ? {} : { 'If-Match': ifMatch },
  });

async function bought(show: Show, seatIds: readonly string[]): Promise<string> {
  const { id } = await buyer.held(show.id, seatIds);
  expect((await buyer.pay(id, 'tok_ok')).status).toBe(200);
  return id;
}

async function movesToldTo(bookingId: string) {
  const events = system.db.selectFrom('outbox').selectAll().where('type', '=', 'show.moved');
  const rows = await events.where('booking_id', '=', bookingId).orderBy('id').execute();
  return rows.map(({ payload }) => payload);
}

async function changesDone(show: Pick<Show, 'id'>, count: number): Promise<void> {
  await eventually(async () => {
    const rows = await system.db.selectFrom('show_changes').selectAll().where('show_id', '=', show.id).execute();
    expect(rows.map(({ done_at }) => done_at !== null)).toEqual(Array.from({ length: count }, () => true));
  });
}

/** All seats of a confirmed booking, as its buyer would. */
const cancelled = async (bookingId: string) => {
  const change = { kind: 'cancellation', changeId: newId('chg'), bookingId, requestedBy: buyer.userId! } as const;
  return system.workflows.changeBooking(change, await rowOf(system, { id: bookingId }));
};

const open = (options: ShowOptions = {}) => openShow(system, { plan: rowsOfSeats(2, 10), ...options });

describe('a show that staff moves', () => {
  test('begins and ends then, its sale ends as long before, and all who have seats are told once', async () => {
    const show = await open();
    const [paid, held] = [await bought(show, ['A1']), (await buyer.held(show.id, ['A5'])).id];
    const read = await buyer.get<ShowBody>(`/shows/${show.id}`);
    expect(read.headers.get('etag')).toBe('"v1"');
    const startsAt = inHours(100);
    const moved = await patch(show, { startsAt });
    expect(moved.status).toBe(200);
    expect(moved.headers.get('etag')).toBe('"v2"');
    const laterByMs = Date.parse(startsAt) - show.startsAtMs;
    expect(moved.body).toMatchObject({
      startsAt,
      endsAt: iso(show.endsAtMs + laterByMs),
      salesOpenAt: iso(show.salesOpenAtMs),
      salesCloseAt: iso(show.salesCloseAtMs + laterByMs),
      version: 2,
      moved: { refundUntil: startsAt },
    });
    expect((await buyer.get<ShowBody>(`/shows/${show.id}`)).body.startsAt).toBe(startsAt);
    await changesDone(show, 1);
    const after = (await buyer.held(show.id, ['A9'])).id;
    for (const bookingId of [paid, held]) {
      expect(await movesToldTo(bookingId)).toEqual([
        {
          version: 1,
          bookingId,
          showId: show.id,
          fromStartsAt: iso(show.startsAtMs),
          toStartsAt: startsAt,
          refundUntil: startsAt,
        },
      ]);
    }
    expect(await movesToldTo(after)).toEqual([]);
    // It ends just after the row says that it is done.
    await system.temporal.workflow.getHandle(`show/${show.id}/move/2`).result();
  });

  test('gives those who had bought before all of their money back until then, and nobody else', async () => {
    const show = await open();
    const before = await bought(show, ['A1']);
    // From now on it is too late for money by the policy.
    const moved = await patch(show, { startsAt: inHours(2), refundUntil: inHours(1) });
    expect(moved.body.moved).toEqual({ refundUntil: expect.any(String) as string });
    await changesDone(show, 1);
    const after = await bought(show, ['A9']);
    expect(await cancelled(before)).toMatchObject({ ok: true, booking: { status: 'CANCELLED' } });
    const nothing = { amount: { amount: 0 } };
    expect(await cancelled(after)).toMatchObject({ ok: true, booking: { status: 'CANCELLED', refund: nothing } });
    await eventually(async () => expect(await netCaptured(system, before)).toBe(0));
    expect(await netCaptured(system, after)).toBe(25_000);
  });

  test('promises nothing to who came later, and takes back no promise, by what is changed after the move', async () => {
    const show = await open();
    const wrong = async (move: unknown, version: number) => {
      const { status, body } = await patch(show, move, `"v${version}"`);
      return [status, ...(body.errors ?? []).map(({ path }) => path)];
    };
    // A show that stands where it stood has nobody to make good to.
    expect(await wrong({ refundUntil: inHours(1) }, 1)).toEqual([400, 'refundUntil']);
    const before = await bought(show, ['A1']);
    const promised = inHours(1.5);
    expect((await patch(show, { startsAt: inHours(2), refundUntil: promised })).status).toBe(200);
    await changesDone(show, 1);
    const after = await bought(show, ['A9']);
    expect(await wrong({ refundUntil: inHours(1.9) }, 2)).toEqual([400, 'refundUntil']);
    expect((await patch(show, { salesCloseAt: inHours(1) }, '"v2"')).body.moved).toEqual({ refundUntil: promised });
    expect(await cancelled(after)).toMatchObject({ ok: true, booking: { refund: { amount: { amount: 0 } } } });
    // Moved again: not for a shorter time than the first was told, unless it begins before that.
    const between = await bought(show, ['B1']);
    expect(await wrong({ startsAt: inHours(3), refundUntil: inHours(1) }, 3)).toEqual([400, 'refundUntil']);
    const again = await patch(show, { startsAt: inHours(3), refundUntil: promised }, '"v3"');
    expect(again.body.moved).toEqual({ refundUntil: promised });
    const sooner = inHours(1.2);
    expect((await patch(show, { startsAt: sooner }, '"v4"')).body.moved).toEqual({ refundUntil: sooner });
    await changesDone(show, 4);
    for (const bookingId of [before, between]) {
      expect(await cancelled(bookingId)).toMatchObject({ ok: true, booking: { status: 'CANCELLED' } });
      await eventually(async () => expect(await netCaptured(system, bookingId)).toBe(0));
    }
    expect(await netCaptured(system, after)).toBe(25_000);
  });

  test('has its policy’s tiers counted from the new start, once that time is over', async () => {
    const show = await open({ startsInMs: 2 * HOUR_MS });
    const booking = await bought(show, ['A1']);
    await patch(show, { startsAt: inHours(10), refundUntil: inHours(1) });
    await system.db
      .updateTable('shows')
      .set({ full_refund_until: new Date(Date.now() - 1) })
      .where('id', '=', show.id)
      .execute();
    // Four to twenty-four hours before the start: half. By the old start it would have been nothing.
    await cancelled(booking);
    await eventually(async () => expect(await netCaptured(system, booking)).toBe(12_500));
  });

  test('is sold by the new times at once, at every process: later, earlier, and again', async () => {
    const show = await open({ salesCloseInMs: -1_000 });
    const refused = async (seat: string, client = buyer) => (await client.hold(show.id, [seat])).body.code;
    expect(await refused('A1')).toBe('SALES_CLOSED');
    expect((await patch(show, { salesCloseAt: inHours(1) })).body.status).toBe('ON_SALE');
    await buyer.held(show.id, ['A1']);
    await buyer.at(system.apiUrls[1]!).held(show.id, ['A9']);
    await patch(show, { salesCloseAt: iso(Date.now() - 1) }, '"v2"');
    expect(await refused('A3')).toBe('SALES_CLOSED');
    expect(await refused('A3', buyer.at(system.apiUrls[1]!))).toBe('SALES_CLOSED');
    const later = await patch(show, { salesOpenAt: inHours(1), salesCloseAt: inHours(2) }, '"v3"');
    expect(later.body).toMatchObject({ status: 'SCHEDULED', version: 4 });
    expect(await refused('A3')).toBe('SALES_CLOSED');
    await changesDone(show, 3);
    const told = await system.db.selectFrom('outbox').selectAll().where('type', '=', 'show.moved').execute();
    expect(told.filter(({ payload }) => payload.showId === show.id)).toEqual([]);
  });

  test('has a workflow that lives until its new end', async () => {
    const show = await open({ startsInMs: 10 * HOUR_MS, endsInMs: 11 * HOUR_MS });
    await buyer.held(show.id, ['A1']);
    const startsAtMs = Date.now() + 5_000;
    const earlier = { startsAt: iso(startsAtMs), endsAt: iso(startsAtMs + 1_000), salesOpenAt: inHours(-2) };
    expect((await patch(show, earlier)).status).toBe(200);
    await system.temporal.workflow.getHandle(showWorkflowId(show.id)).result();
    expect(Date.now()).toBeGreaterThanOrEqual(startsAtMs + 1_000);
    const ended = await patch(show, { startsAt: inHours(1) }, '"v2"');
    expect([ended.status, ended.body.code, ended.body.showStatus]).toEqual([409, 'SHOW_STATE', 'ENDED']);
  });

  test('over a day on which clocks are changed keeps its distances, and the tiers are elapsed time', async () => {
    // In Vienna clocks go back an hour in the night of the last Sunday of October.
    const changeMs = lastSundayOf(new Date().getUTCFullYear() + 1, 9) + HOUR_MS;
    const cityId = newId('cit');
    const place = { location: { lat: 48.2, lng: 16.37 }, timeZone: 'Europe/Vienna' };
    await insertCity(system.db, { id: cityId, name: cityId, country: 'AT', population: 1, ...place });
    const show = await open({ startsInMs: changeMs - 6 * HOUR_MS - Date.now(), cityId });
    expect(show.timeZone).toBe('Europe/Vienna');
    const before = await bought(show, ['A1']);
    const startsAtMs = changeMs + 18 * HOUR_MS;
    const moved = await patch(show, { startsAt: iso(startsAtMs), refundUntil: iso(startsAtMs - 24 * HOUR_MS) });
    expect(moved.body).toMatchObject({
      startsAt: iso(startsAtMs),
      endsAt: iso(startsAtMs + show.endsAtMs - show.startsAtMs),
      salesCloseAt: iso(startsAtMs + show.salesCloseAtMs - show.startsAtMs),
    });
    await changesDone(show, 1);
    expect(await movesToldTo(before)).toMatchObject([{ refundUntil: iso(startsAtMs - 24 * HOUR_MS) }]);
    // As the clocks at the venue show it: 18 hours after 02:00 is 20:00, and 6 hours before it was 21:00.
    const metadata = system.temporal.workflow.getHandle(showWorkflowId(show.id)).query('__temporal_workflow_metadata');
    expect(await metadata).toMatchObject({ currentDetails: expect.stringContaining(' 20:00 A Film') as string });
  });

  test('twice is told of twice, in order', async () => {
    const show = await open();
    const booking = await bought(show, ['A1']);
    const [first, second] = [inHours(60), inHours(80)];
    await patch(show, { startsAt: first });
    await patch(show, { startsAt: second }, '"v2"');
    await changesDone(show, 2);
    expect(await movesToldTo(booking)).toMatchObject([
      { fromStartsAt: iso(show.startsAtMs), toStartsAt: first },
      { fromStartsAt: first, toStartsAt: second },
    ]);
  });

  test('is changed by one of two who have read the same', async () => {
    const show = await open();
    const answers = await Promise.all([patch(show, { startsAt: inHours(60) }), patch(show, { startsAt: inHours(70) })]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412]);
    const refused = answers.find(({ status }) => status === 412)!;
    expect([refused.body.code, refused.headers.get('etag')]).toEqual(['VERSION_MISMATCH', '"v2"']);
  });

  test('is moved once by a request that is repeated under its key', async () => {
    const show = await open();
    const [key, move] = [newKey(), { startsAt: inHours(60) }];
    const first = await patch(show, move, '"v1"', admin, key);
    const repeated = await patch(show, move, '"v1"', admin, key);
    expect([repeated.status, repeated.headers.get('idempotent-replayed')]).toEqual([200, 'true']);
    expect(repeated.body).toEqual(first.body);
    expect(repeated.headers.get('etag')).toBe('"v2"');
  });

  test('is refused with what is wrong', async () => {
    const show = await open();
    const refusal = async (move: unknown, ifMatch?: string | null, by = admin) => {
      const { status, body } = await patch(show, move, ifMatch, by);
      return [status, body.code, ...(body.errors ?? []).map(({ path }) => path)];
    };
    const move = { startsAt: inHours(60) };
    expect(await refusal(move, null)).toEqual([428, 'IF_MATCH_REQUIRED']);
    expect(await refusal(move, '"v2"')).toEqual([412, 'VERSION_MISMATCH']);
    expect(await refusal(move, 'W/"v1"')).toEqual([412, 'VERSION_MISMATCH']);
    for (const other of [buyer, await staff(url(), 'theatre_owner')]) {
      expect(await refusal(move, '"v1"', other)).toEqual([403, 'FORBIDDEN']);
    }
    expect(await refusal({})).toEqual([400, 'VALIDATION_FAILED', '']);
    expect(await refusal({ title: 'Another' })).toContain('title');
    expect(await refusal({ startsAt: inHours(-1) })).toEqual([400, 'VALIDATION_FAILED', 'startsAt']);
    expect(await refusal({ startsAt: inHours(60), endsAt: inHours(59) })).toContain('endsAt');
    expect(await refusal({ salesCloseAt: inHours(-2) })).toContain('salesCloseAt');
    expect(await refusal({ ...move, refundUntil: inHours(-1) })).toEqual([400, 'VALIDATION_FAILED', 'refundUntil']);
    expect(await refusal({ ...move, refundUntil: inHours(61) })).toEqual([400, 'VALIDATION_FAILED', 'refundUntil']);
    expect((await buyer.get<ShowBody>(`/shows/${show.id}`)).body).toMatchObject({ version: 1, moved: null });
    expect((await patch({ id: 'shw_none' }, move)).status).toBe(404);
    await admin.post(`/admin/shows/${show.id}/cancel`, { reason: 'Over' });
    const cancelledShow = await patch(show, move, '*');
    expect([cancelledShow.status, cancelledShow.body.code]).toEqual([409, 'SHOW_STATE']);
    expect(cancelledShow.body.showStatus).toBe('CANCELLED');
  });

  test('does not take the time of another one on its screen', async () => {
    const [one, other] = [await open(), await open()];
    await system.db
      .updateTable('shows')
      .set({ starts_at: new Date(one.startsAtMs + 5 * HOUR_MS), ends_at: new Date(one.endsAtMs + 5 * HOUR_MS) })
      .where('id', '=', other.id)
      .execute();
    await system.db.updateTable('shows').set(screenOf(one)).where('id', '=', other.id).execute();
    const onto = { startsAt: iso(one.startsAtMs + 4 * HOUR_MS) };
    const refused = await patch(one, onto);
    expect([refused.status, refused.body.code]).toEqual([409, 'SHOW_OVERLAP']);
    expect((await patch(one, { ...onto, allowOverlap: true })).status).toBe(200);
  });
});

/** Columns that are never changed by the service. */
const screenOf = ({ screenId, theatreId }: Show) => ({ screen_id: screenId, theatre_id: theatreId }) as never;

/** Midnight, Unix ms; `month` from 0. */
function lastSundayOf(year: number, month: number): number {
  const last = new Date(Date.UTC(year, month + 1, 0));
  return last.getTime() - last.getUTCDay() * 24 * HOUR_MS;
}
