import type {
  BookingBody,
  CancellationQuoteBody,
  ExchangedBody,
  PendingExchangeBody,
} from '../../src/contracts/http/bookings.ts';
import type { Problem } from '../../src/contracts/http/problems.ts';
import type { TicketBody } from '../../src/contracts/http/tickets.ts';
import { bookingChangeWorkflowId } from '../../src/contracts/workflow-ids.ts';
import { expectChainsToAgree } from '../setup/chains.ts';
import { eventually } from '../setup/eventually.ts';
import { cancelledByStaff } from '../setup/show-changes.ts';
import { openShow, type ShowOptions } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { type ApiClient, newGuest, staff } from './http-client.ts';

/** Who was let in has had what was paid for: the buyer's changes end there, and staff's do not. */
const system = useTestSystem({ apis: 1 });
let door: ApiClient;

beforeAll(async () => {
  door = await staff(system.apiUrls[0]!, 'theatre_owner');
}, 120_000);

async function paid(seatIds: readonly string[], options: ShowOptions = {}) {
  const show = await openShow(system, options);
  const buyer = await newGuest(system.apiUrls[0]!);
  const held = await buyer.held(show.id, seatIds);
  const { body } = await buyer.pay(held.id, 'tok_ok');
  const booking = body as BookingBody;
  expect(booking.status).toBe('CONFIRMED');
  return { show, buyer, booking };
}

const ticketOf = async (buyer: ApiClient, { id }: BookingBody): Promise<string> =>
  (await buyer.get<TicketBody>(`/bookings/${id}/ticket`)).body.code;
const letIn = (code: string) => door.post<Problem>('/tickets/verify', { code });

test('after the door the buyer neither cancels nor exchanges nor hands over, and the quote says so', async () => {
  const { show, buyer, booking } = await paid(['A1', 'A2']);
  const other = await openShow(system);
  expect((await letIn(await ticketOf(buyer, booking))).status).toBe(200);
  const path = `/bookings/${booking.id}`;
  const refusals = [
    await buyer.send<Problem>('DELETE', path),
    await buyer.post<Problem>(`${path}/cancellations`, { seatIds: ['A1'] }),
    await buyer.post<Problem>(`${path}/exchange`, { showId: other.id, seatIds: ['B1', 'B2'] }),
    await buyer.post<Problem>(`${path}/transfer`, { email: 'ravi@example.org' }),
  ];
  expect(refusals.map(({ status, body }) => [status, body.code])).toEqual(refusals.map(() => [409, 'NOT_CANCELLABLE']));
  const quote = await buyer.get<CancellationQuoteBody>(`${path}/cancellation-quote`);
  expect(quote.body).toMatchObject({ cancellable: false, reason: 'NOT_CANCELLABLE', refund: { amount: 0 } });
  expect(await buyer.booking(booking.id)).toMatchObject({ status: 'CONFIRMED', refund: null });
  await expectChainsToAgree(system, [show, other]);
}, 60_000);

test('a show that is cancelled after it gives all of the money back', async () => {
  const { show, buyer, booking } = await paid(['A1']);
  await letIn(await ticketOf(buyer, booking));
  await system.workflows.startShowChange(await cancelledByStaff(system, show));
  await eventually(async () =>
    expect(await buyer.booking(booking.id)).toMatchObject({ status: 'CANCELLED', refund: { status: 'SUCCEEDED' } }),
  );
  await expectChainsToAgree(system, [show]);
}, 60_000);

test('an exchange that is being paid when the old ticket is used comes to nothing, and its money goes back', async () => {
  const { show, buyer, booking } = await paid(['A1']);
  const other = await openShow(system, { seatPrice: 40_000 });
  const code = await ticketOf(buyer, booking);
  const asked = { showId: other.id, seatIds: ['A1'], token: 'tok_redirect' };
  const { body } = await buyer.post<ExchangedBody & PendingExchangeBody>(`/bookings/${booking.id}/exchange`, asked);
  if (body.nextAction.type !== 'redirect') throw new Error('nothing to approve');
  expect((await letIn(code)).status).toBe(200);
  await fetch(body.nextAction.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ decision: 'approve' }),
  });
  await system.temporal.workflow.getHandle(bookingChangeWorkflowId(booking.id)).result();
  expect(await buyer.booking(booking.id)).toMatchObject({ status: 'CONFIRMED' });
  expect(await buyer.booking(body.new.id)).toMatchObject({ status: 'FAILED', refund: { status: 'SUCCEEDED' } });
  expect((await letIn(code)).status).toBe(200);
  await expectChainsToAgree(system, [show, other]);
}, 60_000);

test('of door and cancellation at the same moment one wins, never both', async () => {
  const ways = await Promise.all(
    Array.from({ length: 12 }, async () => {
      const { buyer, booking } = await paid(['A1']);
      const code = await ticketOf(buyer, booking);
      const [entry, cancelled] = await Promise.all([letIn(code), buyer.send('DELETE', `/bookings/${booking.id}`)]);
      return `${entry.status} ${cancelled.status}`;
    }),
  );
  expect(ways.filter((way) => way !== '200 409' && way !== '409 200')).toEqual([]);
}, 60_000);
