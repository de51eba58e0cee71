import { sql } from 'kysely';
import type { BookingChangeRecord } from '../contracts/change-messages.ts';
import type { NewEvent } from '../contracts/events.ts';
import { isoTime } from '../contracts/http/primitives.ts';
import type { Booking } from '../domain/booking.ts';
import { changeRow, findShowsToAttend, type ShowOfBooking, toChange } from './booking-changes.ts';
import { toBooking } from './bookings.ts';
import type { ReadModelTransaction } from './database.ts';
import { jsonRows } from './json-rows.ts';
import { type Payment, type Refund, recordRefunds, toPayment, toRefund } from './payments.ts';

/** One change of one booking, as its records are asked for. */
export interface ChangeToMake {
  readonly bookingId: string;
  readonly changeId: string;
}

/**
 * The records of bookings that are changed in one transaction, each booking once: locked and read at once, changed in
 * memory, written at once. A dozen statements, however many bookings. What is noted here is read here.
 */
export class BookingsUnderChange {
  readonly #bookings: ReadonlyMap<string, Booking>;
  readonly #changes: ReadonlyMap<string, BookingChangeRecord>;
  readonly #shows: ReadonlyMap<string, ShowOfBooking>;
  readonly #payments: readonly (Payment & { readonly chainId: string })[];
  readonly #refunds: Map<string, Refund>;
  readonly #newChanges: BookingChangeRecord[] = [];
  readonly #newRefunds = new Map<string, Refund>();
  readonly #nothingCaptured: string[] = [];
  readonly #changed: { readonly booking: Booking; readonly newTickets: boolean }[] = [];
  readonly #seatsBack: (readonly [showId: string, seatId: string, bookingId: string])[] = [];
  readonly #events: { readonly bookingId: string; readonly event: NewEvent }[] = [];

  private constructor(records: Awaited<ReturnType<typeof readRecords>>) {
    this.#bookings = new Map(records.bookings.map((booking) => [booking.id, booking]));
    this.#changes = new Map(records.changes.map((change) => [change.id, change]));
    this.#shows = records.shows;
    this.#payments = records.payments;
    this.#refunds = new Map(records.refunds.map((refund) => [refund.id, refund]));
  }

  /** Locks the bookings until the transaction ends: their changes come one after the other. */
  static async lock(trx: ReadModelTransaction, changes: readonly ChangeToMake[]): Promise<BookingsUnderChange> {
    return new BookingsUnderChange(await readRecords(trx, changes));
  }

  booking(id: string): Booking | null {
    return this.#bookings.get(id) ?? null;
  }

  /** As it was recorded before. */
  change(id: string): BookingChangeRecord | null {
    return this.#changes.get(id) ?? null;
  }

  show({ showId }: Pick<Booking, 'showId'>): ShowOfBooking | null {
    return this.#shows.get(showId) ?? null;
  }

  /** The payments that have bought a booking or one of those that it was exchanged for, oldest first. */
  paymentsOf({ chainId }: Pick<Booking, 'chainId'>): readonly Payment[] {
    return this.#payments.filter((payment) => payment.chainId === chainId);
  }

  payment(id: string): Payment | null {
    return this.#payments.find((payment) => payment.id === id) ?? null;
  }

  /** All that was asked for, of whichever booking, oldest first. */
  refundsOfPayments(payments: readonly Payment[]): readonly Refund[] {
    const ids = new Set(payments.map(({ id }) => id));
    return [...this.#refunds.values()].filter(({ paymentId }) => ids.has(paymentId));
  }

  /** Those that the changes of a booking have asked for, oldest first. */
  refundsOfChanges(bookingId: string): readonly Refund[] {
    return [...this.#refunds.values()].filter((refund) => refund.bookingId === bookingId && refund.changeId !== null);
  }

  refund(id: string): Refund | null {
    return this.#refunds.get(id) ?? null;
  }

  noteChange(change: BookingChangeRecord): void {
    this.#newChanges.push(change);
  }

  noteRefund(refund: Refund): void {
    this.#refunds.set(refund.id, refund);
    this.#newRefunds.set(refund.id, refund);
  }

  /** That no other refund follows this one: the provider says that it never had the money. */
  noteNothingCaptured(refundId: string): void {
    this.#nothingCaptured.push(refundId);
  }

  /** Status, seats, price, refund and what was kept. `newTickets`: those given out so far are good no more. */
  noteBooking(booking: Booking, { newTickets = false }: { readonly newTickets?: boolean } = {}): void {
    this.#changed.push({ booking, newTickets });
  }

  /** The rows of these seats go before the show has them back: the next buyer's confirmation must find none. */
  noteSeatsBack({ id, showId }: Pick<Booking, 'id' | 'showId'>, seatIds: readonly string[]): void {
    for (const seatId of seatIds) this.#seatsBack.push([showId, seatId, id]);
  }

  noteEvents(bookingId: string, events: readonly NewEvent[]): void {
    for (const event of events) this.#events.push({ bookingId, event });
  }

  /** @throws RefundExceedsCaptureError the refunds of a payment would give back more than was captured */
  async write(trx: ReadModelTransaction): Promise<void> {
    if (this.#newChanges.length > 0) {
      await trx.insertInto('booking_changes').values(this.#newChanges.map(changeRow)).execute();
    }
    if (this.#seatsBack.length > 0) await deleteSeats(trx, this.#seatsBack);
    if (this.#newRefunds.size > 0) await recordRefunds(trx, [...this.#newRefunds.values()]);
    if (this.#nothingCaptured.length > 0) await markNothingCaptured(trx, this.#nothingCaptured);
    if (this.#changed.length > 0) await updateBookings(trx, this.#changed);
    if (this.#events.length > 0) await insertEvents(trx, this.#events);
  }
}

async function readRecords(trx: ReadModelTransaction, asked: readonly ChangeToMake[]) {
  const ids = asked.map(({ bookingId }) => bookingId);
  const rows = await trx
    .selectFrom('bookings')
    .selectAll()
    .where('id', '=', sql<string>`any(${ids}::text[])`)
    .orderBy('id')
    .forNoKeyUpdate()
    .execute();
  const bookings = rows.map(toBooking);
  const changes = await trx
    .selectFrom('booking_changes')
    .selectAll()
    .where('id', '=', sql<string>`any(${asked.map(({ changeId }) => changeId)}::text[])`)
    .execute();
  const shows = await findShowsToAttend(trx, [...new Set(bookings.map(({ showId }) => showId))]);
  const payments = await paymentsOfChains(trx, [...new Set(bookings.map(({ chainId }) => chainId))]);
  const refunds = await trx
    .selectFrom('refunds')
    .selectAll()
    .where((refund) =>
      refund.or([
        refund('payment_id', '=', sql<string>`any(${payments.map(({ id }) => id)}::text[])`),
        refund('booking_id', '=', sql<string>`any(${ids}::text[])`),
      ]),
    )
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return { bookings, changes: changes.map(toChange), shows, payments, refunds: refunds.map(toRefund) };
}

async function paymentsOfChains(
  trx: ReadModelTransaction,
  chainIds: readonly string[],
): Promise<(Payment & { readonly chainId: string })[]> {
  const ids = sql<string>`any(${chainIds}::text[])`;
  // In the order in which all take them that write payments: a refund's trigger would lock each payment as its refund comes.
  await trx
    .selectFrom('payments')
    .select('id')
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('bookings')
        .select((booking) => booking.ref('payment_id').$notNull().as('id'))
        .where((booking) => booking.or([booking('id', '=', ids), booking('chain_id', '=', ids)])),
    )
    .orderBy('id')
    .forNoKeyUpdate()
    .execute();
  const rows = await trx
    .selectFrom('bookings')
    .innerJoin('payments', 'payments.id', 'bookings.payment_id')
    .selectAll('payments')
    .select(sql<string>`coalesce(bookings.chain_id, bookings.id)`.as('chain'))
    .where((booking) => booking.or([booking('bookings.id', '=', ids), booking('bookings.chain_id', '=', ids)]))
    .where('payments.status', '=', 'SUCCEEDED')
    .orderBy('payments.created_at')
    .orderBy('payments.id')
    .execute();
  // One that was exchanged for another of the same price has bought both.
  const byId = new Map(rows.map(({ chain, ...row }) => [row.id, { ...toPayment(row), chainId: chain }]));
  return [...byId.values()];
}

async function deleteSeats(
  trx: ReadModelTransaction,
  seats: readonly (readonly [showId: string, seatId: string, bookingId: string])[],
): Promise<void> {
  await sql`
    delete from booked_seats
    using unnest(
      ${seats.map(([showId]) => showId)}::text[],
      ${seats.map(([, seatId]) => seatId)}::text[],
      ${seats.map(([, , bookingId]) => bookingId)}::text[]) as back (show_id, seat_id, booking_id)
    where booked_seats.show_id = back.show_id and booked_seats.seat_id = back.seat_id
      and booked_seats.booking_id = back.booking_id`.execute(trx);
}

async function markNothingCaptured(trx: ReadModelTransaction, ids: readonly string[]): Promise<void> {
  await trx
    .updateTable('refunds')
    .set({ nothing_captured: true })
    .where('id', '=', sql<string>`any(${[...ids]}::text[])`)
    .execute();
}

async function updateBookings(
  trx: ReadModelTransaction,
  changed: readonly { readonly booking: Booking; readonly newTickets: boolean }[],
): Promise<void> {
  const rows = jsonRows(
    changed.map(({ booking, newTickets }) => ({
      id: booking.id,
      status: booking.status,
      seats: booking.seats,
      price: booking.price,
      refund: booking.refund,
      kept_amount: booking.keptAmount,
      version: booking.version,
      changed_at: isoTime(booking.changedAtMs),
      new_tickets: newTickets ? 1 : 0,
    })),
  );
  await sql`
    update bookings set
      status = changed.status,
      seats = changed.seats,
      price = changed.price,
      refund = changed.refund,
      kept_amount = changed.kept_amount,
      version = changed.version,
      ticket_version = ticket_version + changed.new_tickets,
      changed_at = changed.changed_at,
      updated_at = now()
    from jsonb_to_recordset(${rows}::jsonb) as changed (id text, status text, seats jsonb, price jsonb, refund jsonb,
      kept_amount bigint, version integer, changed_at timestamptz, new_tickets integer)
    where bookings.id = changed.id`.execute(trx);
}

/** The bookings are locked, so that the events of each stand in the order of what happened. */
async function insertEvents(
  trx: ReadModelTransaction,
  events: readonly { readonly bookingId: string; readonly event: NewEvent }[],
): Promise<void> {
  const rows = events.map(({ bookingId, event: { type, payload } }) => ({
    booking_id: bookingId,
    type,
    payload: JSON.stringify(payload),
  }));
  await trx.insertInto('outbox').values(rows).execute();
}
