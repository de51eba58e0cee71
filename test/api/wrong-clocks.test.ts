import type { BookingBody, ExchangedBody } from '../../src/contracts/http/bookings.ts';
import type { Problem } from '../../src/contracts/http/problems.ts';
import { bookingChangeWorkflowId, taskQueues } from '../../src/contracts/workflow-ids.ts';
import { newId } from '../../src/platform/ids.ts';
import { findPayment, insertPaymentAttempts } from '../../src/read-model/payments.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { shiftedClock } from '../chaos/shifted-clock.ts';
import { expectChainsToAgree } from '../setup/chains.ts';
import { freePort } from '../setup/free-port.ts';
import { TestProcess } from '../setup/process.ts';
import { openShow, statusesOf } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { type ApiClient, newGuest } from './http-client.ts';

const system = useTestSystem({ workers: 0 });
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

type Answered = ExchangedBody & BookingBody & Pick<Problem, 'code'>;

/** Clocks of API and worker; all others are right. */
describe.each([
  ['an hour before the others', 'an hour behind', HOUR_MS],
  ['an hour behind', 'an hour before the others', -HOUR_MS],
])('with the clock of the API %s, and of the worker %s', (_api, _worker, shiftMs) => {
  let parts: readonly TestProcess[];
  let url: string;

  beforeAll(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    parts = [
      new TestProcess('api', ['src/main/api.ts'], { ...system.env, PORT: String(port), ...shiftedClock(shiftMs) }),
      new TestProcess('worker', ['src/main/worker.ts'], { ...system.env, ...shiftedClock(-shiftMs) }),
    ];
    await Promise.all(parts.map((part) => part.start()));
  }, 90_000);
  afterAll(() => Promise.all(parts.map((part) => part.kill())));

  async function paid(show: Show): Promise<{ readonly buyer: ApiClient; readonly booking: BookingBody }> {
    const buyer = await newGuest(url);
    const held = await buyer.held(show.id, ['A1', 'A2']);
    const { status, body } = await buyer.pay(held.id, 'tok_ok');
    expect([status, body.status]).toEqual([200, 'CONFIRMED']);
    return { buyer, booking: body };
  }

  const change = (buyer: ApiClient, { id }: Pick<BookingBody, 'id'>, what: 'exchange' | 'transfer', body: object) =>
    buyer.post<Answered>(`/bookings/${id}/${what}`, body);

  test('what is sold until half an hour from now is bought, exchanged, and given away', async () => {
    const show = await openShow(system, { startsInMs: 30 * MINUTE_MS });
    const { buyer, booking } = await paid(show);
    const wanted = { showId: show.id, seatIds: ['A2', 'A3'] };
    const exchanged = await change(buyer, booking, 'exchange', wanted);
    expect([exchanged.status, exchanged.body.new?.status]).toEqual([200, 'CONFIRMED']);
    await system.temporal.workflow.getHandle(bookingChangeWorkflowId(booking.id)).result();
    expect((await statusesOf(system, show.id)).slice(0, 4)).toBe('abba');
    const given = await change(buyer, exchanged.body.new, 'transfer', { email: 'ravi@example.org' });
    expect([given.status, given.body.status]).toEqual([200, 'CONFIRMED']);
    await expectChainsToAgree(system, [show]);
  });

  test('for less of the same seats it may be exchanged until the show begins; neither that nor given away afterwards', async () => {
    const show = await openShow(system, { startsInMs: 30 * MINUTE_MS });
    const { buyer, booking } = await paid(show);
    const startedAt = new Date(Date.now() - 30 * MINUTE_MS);
    await system.db.updateTable('shows').set({ sales_close_at: startedAt }).where('id', '=', show.id).execute();
    const less = await change(buyer, booking, 'exchange', { showId: show.id, seatIds: ['A1'] });
    expect([less.status, less.body.new?.status]).toEqual([200, 'CONFIRMED']);
    await system.temporal.workflow.getHandle(bookingChangeWorkflowId(booking.id)).result();
    await system.db.updateTable('shows').set({ starts_at: startedAt }).where('id', '=', show.id).execute();
    const other = await openShow(system);
    const late = [
      await change(buyer, less.body.new, 'exchange', { showId: other.id, seatIds: ['A1'] }),
      await change(buyer, less.body.new, 'transfer', { email: 'ravi@example.org' }),
    ];
    expect(late.map(({ status, body }) => [status, body.code])).toEqual([
      [409, 'NOT_CANCELLABLE'],
      [409, 'NOT_CANCELLABLE'],
    ]);
    expect(await statusesOf(system, other.id)).toMatch(/^a+$/);
    await expectChainsToAgree(system, [show, other]);
  });

  test('an attempt to pay that was just made is left alone by the sweep', async () => {
    const show = await openShow(system);
    const buyer = await newGuest(url);
    const held = await buyer.held(show.id, ['A1', 'A2']);
    const id = newId('pay');
    const amount = { amount: 50_000, currency: 'INR' };
    const attempt = { id, bookingId: held.id, amount, fingerprint: null, method: 'card' } as const;
    await insertPaymentAttempts(system.db, [attempt]);
    const sweep = { workflowId: newId('pay'), taskQueue: taskQueues.bookings, args: [] };
    await system.temporal.workflow.execute('paymentSweepWorkflow', sweep);
    expect(await findPayment(system.db, id)).toMatchObject({ status: 'PENDING' });
  });
});
