import { WorkflowNotFoundError } from '@temporalio/client';
import { bookingChangeWorkflowId } from '../../src/contracts/workflow-ids.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { eventually } from './eventually.ts';
import { expectMoneyToAgree } from './money-agreement.ts';
import { ledgerOf, viewOf } from './shows.ts';
import type { TestSystem } from './system.ts';

type Parts = Pick<TestSystem, 'db' | 'temporal' | 'simulatorUrl'>;

/**
 * What must hold at every quiet point of shows whose bookings were exchanged among them: their workflows, the rows and the
 * provider's books tell the same story, and of each chain captured − refunded is the price of what is confirmed and kept.
 */
export async function expectChainsToAgree(system: Parts, shows: readonly Pick<Show, 'id'>[]): Promise<void> {
  const ids = shows.map(({ id }) => id);
  await eventually(async () => expect(await underWay(system, ids)).toEqual([]));
  await eventually(async () => expect(await openRows(system, ids)).toEqual([]));
  for (const id of ids) await expectSeatsToAgree(system, id);
  expectMoneyToAgree(await bookingsOf(system, ids), await ledgerOf(system));
}

const bookingsOf = ({ db }: Pick<Parts, 'db'>, showIds: readonly string[]) =>
  db.selectFrom('bookings').selectAll().where('show_id', 'in', showIds).execute();

/** Of the bookings' changes; they are found by the old booking, which may be of another show. */
async function underWay({ db, temporal }: Parts, showIds: readonly string[]): Promise<string[]> {
  const running: string[] = [];
  for (const { id } of await bookingsOf({ db }, showIds)) {
    const description = await temporal.workflow
      .getHandle(bookingChangeWorkflowId(id))
      .describe()
      .catch((error: unknown) => {
        if (error instanceof WorkflowNotFoundError) return null;
        throw error;
      });
    if (description?.status.name === 'RUNNING') running.push(id);
  }
  return running;
}

const openRows = async (system: Parts, showIds: readonly string[]) =>
  (await bookingsOf(system, showIds)).filter(({ status }) => status === 'PAYMENT_PENDING').map(({ id }) => id);

async function expectSeatsToAgree(system: Parts, showId: string): Promise<void> {
  const confirmed = (await bookingsOf(system, [showId])).filter(({ status }) => status === 'CONFIRMED');
  const sold = confirmed.flatMap(({ id, seats }) => seats.map((seat) => [seat.index, seat.id, id] as const));
  const rows = await system.db.selectFrom('booked_seats').selectAll().where('show_id', '=', showId).execute();
  expect(rows.map(({ seat_id: seat, booking_id: id }) => `${seat} ${id}`).toSorted()).toEqual(
    sold.map(([, seat, id]) => `${seat} ${id}`).toSorted(),
  );
  const { claims, statuses } = await viewOf(system, showId);
  const booked = claims.bookingIds.flatMap((id, claim) =>
    claims.seats[claim]!.filter((seat) => statuses[seat] === 'b').map((seat) => `${seat} ${id}`),
  );
  expect(booked.toSorted()).toEqual(sold.map(([index, , id]) => `${index} ${id}`).toSorted());
}
