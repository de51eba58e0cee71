import { sql } from 'kysely';
import type { CancellationChange, ChangeAnswer } from '../../src/contracts/change-messages.ts';
import { bookingChangeWorkflowId, STUCK } from '../../src/contracts/workflow-ids.ts';
import type { NewBooking } from '../../src/domain/booking.ts';
import { newId } from '../../src/platform/ids.ts';
import { findPaymentsOfBooking } from '../../src/read-model/payments.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { expectAgreement } from '../setup/agreement.ts';
import { book, changeEndOf, pay, rowOf } from '../setup/bookings.ts';
import { eventually } from '../setup/eventually.ts';
import { openShow, statusesOf } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { untilKnown } from '../setup/until-known.ts';

const system = useTestSystem();

/** The tries of a step that fails at once take half a minute; then a task or two. */
const STUCK_WITHIN_MS = 60_000;
/** After a refund that failed for good an operator has a minute. */
const NEXT_REFUND_WITHIN_MS = 90_000;
const HOUR_MS = 3_600_000;

async function paid(token: string): Promise<{ readonly show: Show; readonly booking: NewBooking }> {
  const show = await openShow(system);
  const booking = await book(system, show, [0, 1]);
  expect(await pay(system, booking, token)).toMatchObject({ outcome: 'confirmed' });
  return { show, booking };
}

function cancel(booking: NewBooking): Promise<ChangeAnswer> {
  const asked = { changeId: newId('chg'), bookingId: booking.id, requestedBy: booking.userId };
  const change: CancellationChange = { kind: 'cancellation', ...asked };
  return untilKnown(() => system.workflows.changeBooking(change, booking));
}

async function stuck({ id }: Show): Promise<string[]> {
  const ids: string[] = [];
  const query = `SeatkeeperBookingStatus = '${STUCK}' AND SeatkeeperShowId = '${id}'`;
  for await (const { workflowId } of system.temporal.workflow.list({ query })) ids.push(workflowId);
  return ids;
}

/** Postgres refuses changes of this booking until it is told not to. */
async function refuseChanges({ id }: NewBooking): Promise<() => Promise<unknown>> {
  const name = sql.id(`refused_${id}`);
  await sql`create function refuse() returns trigger language plpgsql
    as $$ begin raise exception 'no room on the disk'; end $$`.execute(system.db);
  await sql`create trigger ${name} before insert on booking_changes for each row
    when (new.booking_id = ${sql.lit(id)}) execute function refuse()`.execute(system.db);
  return () => sql`drop trigger ${name} on booking_changes`.execute(system.db);
}

let refused: { readonly show: Show; readonly booking: NewBooking };

// The one waits while the other does.
beforeAll(async () => {
  refused = await paid('tok_refund_refused_once');
  expect(await cancel(refused.booking)).toMatchObject({ ok: true, booking: { status: 'CANCELLED' } });
}, 30_000);

test(
  'a cancellation that cannot be recorded is found as stuck, and goes on by itself as of when it was asked for',
  async () => {
    const { show, booking } = await paid('tok_ok');
    const mend = await refuseChanges(booking);
    // When it is asked for, four hours are left and a moment; when it can be recorded, less.
    const startsAt = new Date(Date.now() + 4 * HOUR_MS + 20_000);
    await system.db.updateTable('shows').set({ starts_at: startsAt }).where('id', '=', show.id).execute();
    const cancelling = cancel(booking);
    const workflowId = bookingChangeWorkflowId(booking.id);
    await eventually(async () => expect(await stuck(show)).toEqual([workflowId]), STUCK_WITHIN_MS);
    expect(await rowOf(system, booking)).toMatchObject({ status: 'CONFIRMED', refund: null });
    await mend();
    expect(await cancelling).toMatchObject({ ok: true, booking: { refund: { amount: { amount: 25_000 } } } });
    expect(await changeEndOf(system, booking)).toBe('CANCELLED');
    await eventually(async () => expect(await stuck(show)).toEqual([]));
    await expectAgreement(system, show);
  },
  3 * STUCK_WITHIN_MS,
);

test(
  'a refund that fails for good is followed by another one; its seats have been on sale all the while',
  async () => {
    const { show, booking } = refused;
    expect(await statusesOf(system, show.id)).toMatch(/^a+$/);
    expect(await changeEndOf(system, booking)).toBe('CANCELLED');
    const { refunds } = await findPaymentsOfBooking(system.db, booking.id);
    expect(refunds).toMatchObject([
      { status: 'FAILED', amount: { amount: 50_000 } },
      { status: 'SUCCEEDED', amount: { amount: 50_000 }, id: `${refunds[0]!.id}.2` },
    ]);
    expect((await rowOf(system, booking)).refund).toEqual({ amount: booking.price.total, status: 'SUCCEEDED' });
    const told = await system.db
      .selectFrom('outbox')
      .select('type')
      .where('booking_id', '=', booking.id)
      .where('type', 'like', 'refund.%')
      .orderBy('id')
      .execute();
    expect(told.map(({ type }) => type)).toEqual([
      'refund.started',
      'refund.failed',
      'refund.started',
      'refund.succeeded',
    ]);
    await expectAgreement(system, show);
  },
  NEXT_REFUND_WITHIN_MS,
);
