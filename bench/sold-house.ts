import pLimit from 'p-limit';
import { connectClient } from '../temporal/connection.ts';
import { TemporalWorkflowClient } from '../temporal/workflow-client.ts';
import type { ShowBody } from '../src/contracts/http/catalogue.ts';
import { asMade, type Booking } from '../src/domain/booking.ts';
import { newId } from '../src/platform/ids.ts';
import { recordConfirmations } from '../src/read-model/booking-records.ts';
import type { ReadModel } from '../src/read-model/database.ts';
import type { ApiClient } from './buyers.ts';
import { openDatabase, type RunningSystem } from './running-system.ts';
import type { BenchShow } from './shows.ts';

const CHARGES_AT_ONCE = 32;
const CONFIRMS_AT_ONCE = 500;
const RECORDED_AT_ONCE = 100;

/** A captured payment, as the provider's books have it. */
interface Captured {
  readonly attemptId: string;
  readonly reference: string;
}

/**
 * Sells a whole house, a seat a booking, past the buyers' path: what stands afterwards in the show's workflow, the rows and
 * the provider's books is what selling it would have left there. Thousands a second instead of a hundred.
 */
export async function sellHouse(
  system: RunningSystem,
  api: ApiClient,
  show: BenchShow,
  count: number,
): Promise<Booking[]> {
  const temporal = await connectClient(system.temporal);
  const db = openDatabase(system, 2);
  try {
    const bookings = await newBookings(api, show, count);
    const workflows = new TemporalWorkflowClient(temporal);
    await inPieces(bookings, CONFIRMS_AT_ONCE, (piece) => takeSeats(workflows, piece));
    await inPieces(bookings, RECORDED_AT_ONCE, (piece) => chargeAndRecord(system, db, piece));
    return bookings;
  } finally {
    await temporal.connection.close();
    await db.destroy();
  }
}

async function newBookings(api: ApiClient, show: BenchShow, count: number): Promise<Booking[]> {
  const { categories } = (await api.expect(200, 'GET', `/shows/${show.id}`)) as unknown as ShowBody;
  const { id: category, price } = categories[0]!;
  const nowMs = Date.now();
  return show.seatIds.slice(0, count).map((seatId, index): Booking => {
    const id = newId('bkg');
    return asMade({
      id,
      showId: show.id,
      userId: newId('usr'),
      cityId: 'cit_bench',
      seats: [{ id: seatId, index, label: seatId, category, price }],
      price: { lines: [{ kind: 'seats', label: 'Seat', amount: price }], total: price },
      fingerprint: id,
      heldAtMs: nowMs,
      expiresAtMs: nowMs,
    });
  });
}

async function takeSeats(workflows: TemporalWorkflowClient, bookings: readonly Booking[]): Promise<void> {
  await Promise.all(
    bookings.map(async ({ id: bookingId, showId, userId: buyerId, seats }) => {
      const indices = seats.map(({ index }) => index);
      const confirm = { kind: 'confirm', bookingId, buyerId, seats: indices, reclaim: true } as const;
      const taken = await workflows.seatCommand(showId, confirm);
      if (!taken.ok) throw new Error(`a seat could not be sold: ${taken.refusal}`);
    }),
  );
}

async function chargeAndRecord(system: RunningSystem, db: ReadModel, bookings: readonly Booking[]): Promise<void> {
  const oneOf = pLimit(CHARGES_AT_ONCE);
  const captured = await Promise.all(bookings.map((booking) => oneOf(() => charge(system, booking))));
  const nowMs = Date.now();
  await recordConfirmations(
    db,
    bookings.map((booking, position) => ({
      booking: { ...booking, version: 2, changedAtMs: nowMs, payment: { status: 'SUCCEEDED' } },
      payment: paymentOf(booking, captured[position]!, nowMs),
      outbox: [],
    })),
  );
}

async function charge({ paymentSimulator }: RunningSystem, { id: bookingId, price }: Booking): Promise<Captured> {
  const attemptId = newId('pay');
  const response = await fetch(`${paymentSimulator}/v1/simulator/charges`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': attemptId },
    body: JSON.stringify({ bookingId, amount: price.total, method: 'card', token: 'tok_ok' }),
  });
  const { id: reference } = (await response.json()) as { id: string };
  if (!response.ok) throw new Error(`a charge was answered ${response.status}`);
  return { attemptId, reference };
}

const paymentOf = ({ id: bookingId, price }: Booking, { attemptId, reference }: Captured, nowMs: number) =>
  ({
    id: attemptId,
    bookingId,
    status: 'SUCCEEDED',
    provider: 'simulator',
    providerReference: reference,
    method: 'card',
    amount: price.total,
    failureReason: null,
    fingerprint: bookingId,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  }) as const;

async function inPieces<Item>(
  items: readonly Item[],
  size: number,
  work: (piece: readonly Item[]) => Promise<void>,
): Promise<void> {
  for (let first = 0; first < items.length; first += size) await work(items.slice(first, first + size));
}
