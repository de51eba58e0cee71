import { showWorkflowId } from '../../src/contracts/workflow-ids.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { eventually } from './eventually.ts';
import { expectMoneyToAgree } from './money-agreement.ts';
import { ledgerOf, viewOf } from './shows.ts';
import type { TestSystem } from './system.ts';

type Parts = Pick<TestSystem, 'db' | 'temporal' | 'simulatorUrl'>;

/**
 * What must hold at every quiet point, of one show: its workflow, the rows and the provider's books tell the same story,
 * nobody was charged twice, and no workflow runs besides the show's.
 */
export async function expectAgreement(system: Parts, show: Pick<Show, 'id'>): Promise<void> {
  await eventually(async () => expect(await runningBookings(system, show.id)).toEqual([]));
  const [confirmed, byActor, byRows] = await Promise.all([
    confirmedSeats(system, show.id),
    seatsBookedInActor(system, show.id),
    seatsBookedInRows(system, show.id),
  ]);
  expect(byRows).toEqual(confirmed);
  expect(byActor).toEqual(confirmed);
  expectMoneyToAgree(await bookingsOfChains(system, show.id), await ledgerOf(system));
}

const bookingsOf = ({ db }: Parts, showId: string) =>
  db
    .selectFrom('bookings')
    .select(['id', 'chain_id', 'status', 'seats', 'price', 'kept_amount'])
    .where('show_id', '=', showId)
    .execute();

/** With those of other shows that they were exchanged for, or came from. */
async function bookingsOfChains(system: Parts, showId: string) {
  const ids = (await bookingsOf(system, showId)).map(({ id, chain_id: chain }) => chain ?? id);
  if (ids.length === 0) return [];
  return system.db
    .selectFrom('bookings')
    .select(['id', 'chain_id', 'status', 'price', 'kept_amount'])
    .where((booking) => booking.or([booking('id', 'in', ids), booking('chain_id', 'in', ids)]))
    .execute();
}

/** `[seat index, booking]` in order, of what the bookings' rows say. */
async function confirmedSeats(system: Parts, showId: string): Promise<[number, string][]> {
  const bookings = await bookingsOf(system, showId);
  return bookings
    .filter(({ status }) => status === 'CONFIRMED')
    .flatMap(({ id, seats }) => seats.map((seat): [number, string] => [seat.index, id]))
    .sort(bySeat);
}

async function seatsBookedInActor(system: Parts, showId: string): Promise<[number, string][]> {
  const view = await viewOf(system, showId);
  const booked = [...view.statuses].flatMap((status, seat) => (status === 'b' ? [seat] : []));
  const owners = new Map(
    view.claims.bookingIds.flatMap((id, claim) =>
      view.claims.seats[claim]!.map((seat): [number, string] => [seat, id]),
    ),
  );
  return booked.map((seat) => [seat, owners.get(seat)!]);
}

/** Seats of the tests are named by their index. */
async function seatsBookedInRows({ db }: Parts, showId: string): Promise<[number, string][]> {
  const rows = await db
    .selectFrom('booked_seats')
    .select(['seat_id', 'booking_id'])
    .where('show_id', '=', showId)
    .execute();
  return rows.map((row): [number, string] => [Number(row.seat_id.slice('seat-'.length)), row.booking_id]).sort(bySeat);
}

const bySeat = ([a]: [number, string], [b]: [number, string]): number => a - b;

async function runningBookings({ temporal }: Parts, showId: string): Promise<string[]> {
  const running: string[] = [];
  const query = `ExecutionStatus = 'Running' AND SeatkeeperShowId = '${showId}'`;
  for await (const { workflowId } of temporal.workflow.list({ query })) running.push(workflowId);
  return running.filter((id) => id !== showWorkflowId(showId));
}
