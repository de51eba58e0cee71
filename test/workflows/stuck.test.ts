import { sql } from 'kysely';
import { bookingWorkflowId, STUCK } from '../../src/contracts/workflow-ids.ts';
import type { NewBooking } from '../../src/domain/booking.ts';
import { findPaymentsOfBooking } from '../../src/read-model/payments.ts';
import { book, endOf, pay, rowOf } from '../setup/bookings.ts';
import { eventually } from '../setup/eventually.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { netCaptured, openShow } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';

const system = useTestSystem();

/** The tries of a step that fails at once take half a minute; then a task or two. */
const STUCK_WITHIN_MS = 60_000;

/** Postgres refuses this booking's rows of one table until it is told not to. */
async function refuseRows(table: 'booked_seats' | 'refunds', { id }: NewBooking): Promise<() => Promise<unknown>> {
  const [name, on] = [sql.id(`refused_${id}`), sql.table(table)];
  await sql`create or replace function refuse() returns trigger language plpgsql
    as $$ begin raise exception 'no room on the disk'; end $$`.execute(system.db);
  await sql`create trigger ${name} before insert on ${on} for each row
    when (new.booking_id = ${sql.lit(id)}) execute function refuse()`.execute(system.db);
  return () => sql`drop trigger ${name} on ${on}`.execute(system.db);
}

async function found(query: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { workflowId } of system.temporal.workflow.list({ query })) ids.push(workflowId);
  return ids.sort();
}

const ofShow = ({ id }: Pick<Show, 'id'>, status: string): string =>
  `SeatkeeperBookingStatus = '${status}' AND SeatkeeperShowId = '${id}'`;

/** Between a refund that failed for good and the next one an operator has a minute. */
const NEXT_REFUND_WITHIN_MS = 90_000;
let refused: { readonly show: Show; readonly booking: NewBooking; readonly seenStuck: Promise<void> };
const refundsOf = async ({ id }: NewBooking) => (await findPaymentsOfBooking(system.db, id)).refunds;

// It waits for longer than all the rest takes.
beforeAll(async () => {
  const show = await openShow(system);
  const booking = await book(system, show, [0]);
  const taken = { show_id: show.id, seat_id: 'seat-0', booking_id: 'bkg_of_nobody' };
  await system.db.insertInto('booked_seats').values(taken).execute();
  // Answered when the money has gone back: no payer waits so long.
  pay(system, booking, 'tok_refund_refused_once').catch(() => undefined);
  // It is over after a minute, before the test that is about it has its turn.
  const seenStuck = eventually(async () => {
    expect(await found(ofShow(show, STUCK))).toEqual([bookingWorkflowId(booking.id)]);
    expect(await refundsOf(booking)).toMatchObject([{ status: 'FAILED' }]);
    expect(await rowOf(system, booking)).toMatchObject({ status: 'FAILED', refund: { status: 'FAILED' } });
  }, NEXT_REFUND_WITHIN_MS);
  seenStuck.catch(() => undefined);
  refused = { show, booking, seenStuck };
});

test(
  'one query finds the bookings whose step keeps failing, before and after their end, until it is done',
  async () => {
    const show = await openShow(system);
    const [unrecorded, unrefunded, well] = await Promise.all([0, 10, 20].map((seat) => book(system, show, [seat])));
    const mend = [await refuseRows('booked_seats', unrecorded!), await refuseRows('refunds', unrefunded!)];
    const taken = { show_id: show.id, seat_id: 'seat-10', booking_id: well!.id };
    await system.db.insertInto('booked_seats').values(taken).execute();
    const paying = [unrecorded!, unrefunded!].map((booking) => pay(system, booking, 'tok_ok'));
    expect(await pay(system, well!, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
    expect(await found(ofShow(show, STUCK))).toEqual([]);

    const both = [unrecorded!, unrefunded!].map(({ id }) => bookingWorkflowId(id)).sort();
    await eventually(async () => expect(await found(ofShow(show, STUCK))).toEqual(both), STUCK_WITHIN_MS);
    const confirmed = () => found(ofShow(show, 'CONFIRMED'));
    await eventually(async () => expect(await confirmed()).toEqual([bookingWorkflowId(well!.id)]));

    for (const undo of mend) await undo();
    expect(await endOf(system, unrecorded!)).toBe('CONFIRMED');
    expect(await endOf(system, unrefunded!)).toBe('FAILED');
    expect(await rowOf(system, unrefunded!)).toMatchObject({ refund: { status: 'SUCCEEDED' } });
    expect(await netCaptured(system, unrefunded!.id)).toBe(0);
    await eventually(async () => expect(await found(ofShow(show, STUCK))).toEqual([]));
    await eventually(async () => {
      expect(await found(ofShow(show, 'FAILED'))).toEqual([bookingWorkflowId(unrefunded!.id)]);
      expect(await confirmed()).toEqual([unrecorded!, well!].map(({ id }) => bookingWorkflowId(id)).sort());
    });
    await Promise.all(paying);
  },
  2 * STUCK_WITHIN_MS,
);

/** The one kind of attributes that an event has. */
const kindOf = (event: object): string =>
  Object.entries(event)
    .filter(([name, value]) => name.endsWith('EventAttributes') && value)
    .map(([name]) => name.replace('EventAttributes', ''))
    .join();

test('it costs a booking that is not stuck no event, and a purchase that goes well has one marker', async () => {
  const show = await openShow(system);
  const booking = await book(system, show, [0, 1]);
  await pay(system, booking, 'tok_ok');
  await endOf(system, booking);
  const { events } = await system.temporal.workflow.getHandle(bookingWorkflowId(booking.id)).fetchHistory();
  expect(events!.map(kindOf)).toEqual([
    'workflowExecutionStarted',
    'workflowTaskScheduled',
    'workflowTaskStarted',
    'workflowTaskCompleted',
    'workflowExecutionUpdateAccepted',
    'markerRecorded',
    'workflowExecutionUpdateCompleted',
    'upsertWorkflowSearchAttributes',
    'workflowExecutionCompleted',
  ]);
});

test(
  'a refund that fails for good is stuck until the next one has gone through',
  async () => {
    const { show, booking, seenStuck } = refused;
    await seenStuck;
    expect(await endOf(system, booking)).toBe('FAILED');
    expect(await refundsOf(booking)).toMatchObject([{ status: 'FAILED' }, { status: 'SUCCEEDED' }]);
    expect(await rowOf(system, booking)).toMatchObject({ status: 'FAILED', refund: { status: 'SUCCEEDED' } });
    expect(await netCaptured(system, booking.id)).toBe(0);
    await eventually(async () => expect(await found(ofShow(show, 'FAILED'))).toEqual([bookingWorkflowId(booking.id)]));
  },
  NEXT_REFUND_WITHIN_MS,
);
