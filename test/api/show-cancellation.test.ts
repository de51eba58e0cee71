import type { ShowBody } from '../../src/contracts/http/catalogue.ts';
import type { Problem } from '../../src/contracts/http/problems.ts';
import type { ShowCancellationBody } from '../../src/contracts/http/staff.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { ledgerOf, netCaptured, openShow, rowsOfSeats, statusesOf } from '../setup/shows.ts';
import { expectAgreement } from '../setup/agreement.ts';
import { eventually } from '../setup/eventually.ts';
import { useTestSystem } from '../setup/system.ts';
import { useBankClock } from './bank-clock.ts';
import { type ApiClient, newGuest, newKey, staff } from './http-client.ts';

const system = useTestSystem({ apis: 2 });
const bankClock = useBankClock(system);
const url = (): string => system.apiUrls[0]!;
const reason = 'The projector is broken';

let admin: ApiClient;
let buyer: ApiClient;
beforeAll(async () => {
  admin = await staff(url());
  buyer = await newGuest(url());
}, 120_000);

type Cancelled = ShowCancellationBody & Pick<Problem, 'code' | 'showStatus'>;
const cancel = (show: Show, key?: string, by = admin) =>
  by.post<Cancelled>(`/admin/shows/${show.id}/cancel`, { reason }, key === undefined ? {} : { key });
const progressOf = async (show: Show) =>
  (await admin.get<ShowCancellationBody>(`/admin/shows/${show.id}/cancellation`)).body;
const done = (show: Show) =>
  eventually(async () => expect(await progressOf(show)).toMatchObject({ state: 'DONE' }), 60_000);

async function bought(show: Show, seatIds: readonly string[], by = buyer): Promise<string> {
  const { id } = await by.held(show.id, seatIds);
  expect((await by.pay(id, 'tok_ok')).status).toBe(200);
  return id;
}

const eventsOf = async (bookingId: string) =>
  (await system.db.selectFrom('outbox').selectAll().where('booking_id', '=', bookingId).orderBy('id').execute()).map(
    ({ type, payload }) => [type, payload] as const,
  );
const eventTypesOf = async (bookingId: string) => (await eventsOf(bookingId)).map(([type]) => type);

describe('a show that staff cancels', () => {
  test('gives all of their money back to all who have bought, and its seats are nobody’s', async () => {
    const show = await openShow(system, { plan: rowsOfSeats(2, 10) });
    const bookings = [await bought(show, ['A1', 'A2']), await bought(show, ['A3']), await bought(show, ['B1', 'B2'])];
    const held = await buyer.held(show.id, ['B9']);
    const answer = await cancel(show);
    expect(answer.status).toBe(202);
    expect(answer.headers.get('location')).toBe(`/api/v1/admin/shows/${show.id}/cancellation`);
    expect(answer.body).toMatchObject({ showId: show.id, reason, state: 'RUNNING' });
    await done(show);
    const counted = { total: 3, refunded: 3, failed: 0, nothingCaptured: 0, waiting: 0 };
    expect((await progressOf(show)).bookings).toEqual(counted);
    for (const id of bookings) {
      const booking = await buyer.booking(id);
      expect(booking).toMatchObject({ status: 'CANCELLED', refund: { status: 'SUCCEEDED' } });
      expect(await netCaptured(system, id)).toBe(0);
      expect((await eventTypesOf(id)).filter((type) => type === 'show.cancelled')).toHaveLength(1);
      const types = await eventTypesOf(id);
      expect(types.indexOf('show.cancelled')).toBeLessThan(types.indexOf('booking.cancelled'));
    }
    expect(await statusesOf(system, show.id)).not.toMatch(/b/);
    const rows = await system.db.selectFrom('booked_seats').selectAll().where('show_id', '=', show.id).execute();
    expect(rows).toEqual([]);
    // Who only held seats is told as well.
    expect((await eventsOf(held.id)).filter(([type]) => type === 'show.cancelled')).toEqual([
      ['show.cancelled', { version: 1, bookingId: held.id, showId: show.id, reason }],
    ]);
  });

  test('is CANCELLED in reads, and sells nothing any more, at every process at once', async () => {
    const show = await openShow(system);
    const other = system.apiUrls[1]!;
    // Both have it in memory.
    await Promise.all([buyer.held(show.id, ['A1']), buyer.at(other).held(show.id, ['A4'])]);
    expect((await cancel(show)).status).toBe(202);
    for (const client of [buyer, buyer.at(other)]) {
      const refused = await client.hold(show.id, ['A7']);
      expect([refused.status, refused.body.code]).toEqual([409, 'SALES_CLOSED']);
      expect((await client.get<ShowBody>(`/shows/${show.id}`)).body).toMatchObject({ status: 'CANCELLED', version: 2 });
    }
    await done(show);
  });

  test('charges nobody who holds seats: paying and extending are refused, giving back is not', async () => {
    const show = await openShow(system);
    const held = await buyer.held(show.id, ['A1']);
    await cancel(show);
    const paid = await buyer.pay(held.id, 'tok_ok');
    expect([paid.status, paid.body.code]).toEqual([409, 'SALES_CLOSED']);
    const extended = await buyer.post<Problem>(`/bookings/${held.id}/extend`);
    expect([extended.status, extended.body.code]).toEqual([409, 'SALES_CLOSED']);
    expect((await ledgerOf(system)).filter(({ bookingId }) => bookingId === held.id)).toEqual([]);
    expect((await buyer.send('DELETE', `/bookings/${held.id}`)).status).toBe(200);
    await done(show);
    expect((await progressOf(show)).bookings.total).toBe(0);
  });

  test('is cancelled once: repeats get the same answer and change nothing', async () => {
    const show = await openShow(system);
    const id = await bought(show, ['A1']);
    const key = newKey();
    const [first, twin] = await Promise.all([cancel(show, key), cancel(show)]);
    expect([first.status, twin.status]).toEqual([202, 202]);
    await done(show);
    const repeated = await cancel(show, key);
    expect([repeated.status, repeated.headers.get('idempotent-replayed')]).toEqual([202, 'true']);
    expect(repeated.body).toEqual(first.body);
    const again = await admin.post<Cancelled>(`/admin/shows/${show.id}/cancel`, { reason: 'Another reason' });
    expect(again.status).toBe(202);
    expect(again.body).toMatchObject({ reason, state: 'DONE', bookings: { total: 1, refunded: 1 } });
    const refunds = (await ledgerOf(system)).filter((item) => item.bookingId === id && item.kind === 'refund');
    expect(refunds).toHaveLength(1);
    expect((await eventTypesOf(id)).filter((type) => type === 'show.cancelled')).toHaveLength(1);
  });

  test('while its buyers are paying, keeps nothing of anybody', async () => {
    const show = await openShow(system, { plan: rowsOfSeats(10, 10) });
    const pairs = Array.from({ length: 50 }, (_, n) => {
      const [row, seat] = ['ABCDEFGHIJ'[Math.floor(n / 5)], (n % 5) * 2 + 1];
      return [`${row}${seat}`, `${row}${seat + 1}`];
    });
    const held = await Promise.all(pairs.map((pair, n) => buyer.at(system.apiUrls[n % 2]!).held(show.id, pair)));
    const pay = async ({ id }: { readonly id: string }, n: number) =>
      (await buyer.at(system.apiUrls[n % 2]!).pay(id, 'tok_ok')).status;
    const paying = held.slice(0, 40).map(async (booking, n) => {
      await new Promise((resolve) => setTimeout(resolve, n * 15));
      return pay(booking, n);
    });
    // Some have paid, some are about to, and some will try.
    await Promise.all(paying.slice(0, 10));
    expect((await cancel(show)).status).toBe(202);
    expect(await Promise.all(held.slice(40).map(pay))).toEqual(Array(10).fill(409));
    await Promise.all(paying);
    await done(show);
    await eventually(async () => {
      for (const { id } of held) expect([id, await netCaptured(system, id)]).toEqual([id, 0]);
    });
    const rows = await system.db
      .selectFrom('bookings')
      .select(['status'])
      .where('show_id', '=', show.id)
      .where('status', '=', 'CONFIRMED')
      .execute();
    expect(rows).toEqual([]);
    expect(await statusesOf(system, show.id)).not.toMatch(/b/);
  });

  test('while its buyers exchange and cancel, gives back what is still of it, and takes nobody in', async () => {
    const plan = rowsOfSeats(4, 10);
    const [show, other] = [await openShow(system, { plan }), await openShow(system, { plan })];
    const pairs = ['A', 'B'].flatMap((row) => [1, 3, 5, 7].map((seat) => [`${row}${seat}`, `${row}${seat + 1}`]));
    const bookings = await Promise.all(pairs.map((pair) => bought(show, pair)));
    const coming = await Promise.all(pairs.slice(0, 2).map((pair) => bought(other, pair)));
    const path = (id: string, what: string) => `/bookings/${id}/${what}`;
    const changes = [
      ...bookings
        .slice(0, 2)
        .map((id, n) => ({ id, showId: show.id, seatIds: pairs[n]!.map((seat) => `C${seat[1]}`) })),
      ...bookings
        .slice(2, 4)
        .map((id, n) => ({ id, showId: other.id, seatIds: pairs[n]!.map((seat) => `C${seat[1]}`) })),
      ...coming.map((id, n) => ({ id, showId: show.id, seatIds: pairs[n]!.map((seat) => `D${seat[1]}`) })),
    ].map(({ id, ...exchange }) => buyer.post<Problem>(path(id, 'exchange'), exchange, { key: newKey() }));
    const part = { seatIds: [pairs[4]![0]] };
    const own = [
      buyer.post<Problem>(path(bookings[4]!, 'cancellations'), part, { key: newKey() }),
      buyer.send<Problem>('DELETE', `/bookings/${bookings[5]!}`),
    ];
    const asked = cancel(show);
    const answers = await Promise.all([...changes, ...own]);
    expect(answers.filter(({ status }) => ![200, 201, 202, 409].includes(status))).toEqual([]);
    expect((await asked).status).toBe(202);
    await done(show);
    await expectAgreement(system, show);
    // Who could not come keeps what they had; who came was given everything back.
    for (const id of coming) {
      const { status } = await buyer.booking(id);
      expect([id, await netCaptured(system, id)]).toEqual([id, status === 'CONFIRMED' ? 50_000 : 0]);
    }
    const left = system.db.selectFrom('bookings').select('id').where('show_id', '=', show.id);
    expect(await left.where('status', '=', 'CONFIRMED').execute()).toEqual([]);
    expect(await statusesOf(system, show.id)).not.toMatch(/b/);
  });

  test('gives money back that was captured when it was over: the payment was under way', async () => {
    const show = await openShow(system);
    const { id } = await buyer.held(show.id, ['A1']);
    await bankClock.whileStanding(async () => {
      expect((await buyer.pay(id, 'tok_pending')).status).toBe(202);
      await cancel(show);
    });
    await eventually(async () => expect((await buyer.booking(id)).status).toBe('EXPIRED'), 30_000);
    await eventually(async () => expect(await netCaptured(system, id)).toBe(0));
    await eventually(async () => expect((await buyer.booking(id)).refund).toMatchObject({ status: 'SUCCEEDED' }));
    const refunded = (await eventsOf(id)).filter(([type]) => type === 'payment.refunded');
    expect(refunded).toMatchObject([['payment.refunded', { reason: 'show_cancelled', showId: show.id }]]);
    await done(show);
  });

  test('must be there, and not be over, and staff must say why', async () => {
    const show = await openShow(system);
    const path = `/admin/shows/${show.id}/cancel`;
    const code = async (asked: Promise<{ status: number; body: { code: string } }>) => {
      const { status, body } = await asked;
      return [status, body.code];
    };
    expect(await code(buyer.post(path, { reason }))).toEqual([403, 'FORBIDDEN']);
    for (const role of ['support', 'theatre_owner'] as const) {
      expect(await code((await staff(url(), role)).post(path, { reason }))).toEqual([403, 'FORBIDDEN']);
    }
    expect(await code(admin.post(path, {}))).toEqual([400, 'VALIDATION_FAILED']);
    expect(await code(admin.post(path, { reason: '' }))).toEqual([400, 'VALIDATION_FAILED']);
    expect(await code(admin.post('/admin/shows/shw_none/cancel', { reason }))).toEqual([404, 'NOT_FOUND']);
    expect(await code(admin.get(`/admin/shows/${show.id}/cancellation`))).toEqual([404, 'NOT_FOUND']);
    await system.db
      .updateTable('shows')
      .set({ starts_at: new Date(Date.now() - 7_200_000), ends_at: new Date(Date.now() - 3_600_000) })
      .where('id', '=', show.id)
      .execute();
    const ended = await cancel(show);
    expect([ended.status, ended.body.code, ended.body.showStatus]).toEqual([409, 'SHOW_STATE', 'ENDED']);
  });
});
