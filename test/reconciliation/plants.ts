import { join } from 'node:path';
import { sql } from 'kysely';
import { bookingWorkflowId } from '../../src/contracts/workflow-ids.ts';
import type { NewBooking } from '../../src/domain/booking.ts';
import type { DifferenceClass } from '../../src/domain/reconciliation.ts';
import { ProviderStore } from '../../src/payment-simulator/store.ts';
import { newId } from '../../src/platform/ids.ts';
import { recordConfirmations } from '../../src/read-model/booking-records.ts';
import { recordPayments, recordRefunds } from '../../src/read-model/payments.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { book, chargeAtProvider, endOf, pay, recordAttempt, rowOf } from '../setup/bookings.ts';
import { eventually } from '../setup/eventually.ts';
import { openShow, untilProjected } from '../setup/shows.ts';
import type { TestSystem } from '../setup/system.ts';

/** Past every deadline. */
const LONG_AGO_MS = 60_000;

export interface Planted {
  readonly kind: DifferenceClass;
  /** What the finding names. */
  readonly subject: string;
}

/** Differences of every class, each planted past all actors, in a show of its own. */
export class Plants {
  readonly #system: TestSystem;
  /** Entries that no call of the provider's makes. */
  readonly #books: ((store: ProviderStore) => void)[] = [];

  constructor(system: TestSystem) {
    this.#system = system;
  }

  async all(): Promise<Planted[]> {
    const planted = await Promise.all([
      this.capturedWithoutBooking(),
      this.capturedTwice(),
      this.bookingWithoutCapture(),
      this.amountDiffers(),
      this.currencyDiffers(),
      this.attemptWithoutOutcome(),
      this.refundMissing(),
      this.refundRecordedOnly(),
      this.refundThatCameBack(),
      this.refundUnfinished(),
      this.refundDoubled(),
      this.refundUnknown(),
      this.refundOverCaptured(),
      this.moneyDisagrees(),
      this.heldPastExpiry(),
      this.holdWithoutBooking(),
      this.seatInShowOnly(),
      this.seatInRowsOnly(),
      this.seatRowMissing(),
      this.seatNotInShow(),
      this.seatSoldTwice(),
      this.seatMapDiffers(),
      this.eventNeverSent(),
      this.stuckWorkflow(),
    ]);
    await this.#enterIntoBooks();
    return planted;
  }

  async capturedWithoutBooking(): Promise<Planted> {
    const booking = await this.#expired();
    const attemptId = newId('pay');
    await chargeAtProvider(this.#system, booking, attemptId);
    return { kind: 'captured_without_booking', subject: attemptId };
  }

  async capturedTwice(): Promise<Planted> {
    const booking = await this.#confirmed();
    const attemptId = newId('pay');
    await this.#paid(booking, attemptId, await chargeAtProvider(this.#system, booking, attemptId));
    return { kind: 'captured_twice', subject: attemptId };
  }

  async bookingWithoutCapture(): Promise<Planted> {
    const { attemptId } = await this.#confirmedUnpaid();
    return { kind: 'booking_without_capture', subject: attemptId };
  }

  async amountDiffers(): Promise<Planted> {
    const { booking, attemptId } = await this.#confirmedUnpaid();
    const total = { ...booking.price.total, amount: booking.price.total.amount + 100 };
    await chargeAtProvider(this.#system, { ...booking, price: { ...booking.price, total } }, attemptId);
    return { kind: 'amount_differs', subject: attemptId };
  }

  async currencyDiffers(): Promise<Planted> {
    const { booking, attemptId } = await this.#confirmedUnpaid();
    const total = { ...booking.price.total, currency: 'USD' };
    await chargeAtProvider(this.#system, { ...booking, price: { ...booking.price, total } }, attemptId);
    return { kind: 'currency_differs', subject: attemptId };
  }

  async attemptWithoutOutcome(): Promise<Planted> {
    const booking = await this.#expired();
    const attemptId = newId('pay');
    await recordAttempt(this.#system, booking, attemptId, LONG_AGO_MS);
    return { kind: 'attempt_without_outcome', subject: attemptId };
  }

  /** It was recorded, and then nobody asked the provider for it. */
  async refundMissing(): Promise<Planted> {
    const { refundId } = await this.#refundOfExpired('PENDING');
    return { kind: 'refund_missing', subject: refundId };
  }

  async refundRecordedOnly(): Promise<Planted> {
    const { refundId } = await this.#refundOfExpired('SUCCEEDED');
    return { kind: 'refund_missing', subject: refundId };
  }

  /** The provider said that it had succeeded, and later that it had not. */
  async refundThatCameBack(): Promise<Planted> {
    const { refundId, booking, attemptId } = await this.#refundOfExpired('SUCCEEDED');
    this.#books.push((store) => refundInBooks(store, 'simulator', { booking, attemptId, refundId }, 'failed'));
    return { kind: 'refund_missing', subject: refundId };
  }

  /** The provider has made it, and whoever was to write that down is gone. */
  async refundUnfinished(): Promise<Planted> {
    const { refundId } = await this.#refundOfExpired('PENDING', true);
    return { kind: 'refund_unfinished', subject: refundId };
  }

  async refundDoubled(): Promise<Planted> {
    const { refundId, booking, attemptId } = await this.#refundOfExpired('SUCCEEDED');
    await this.#refundAtProvider(attemptId, refundId, booking);
    // Under the same key, which one provider answers but once: its books have it at the other one.
    this.#books.push((store) => refundInBooks(store, 'simulator-backup', { booking, attemptId, refundId }));
    return { kind: 'refund_doubled', subject: refundId };
  }

  async refundUnknown(): Promise<Planted> {
    const booking = await this.#confirmed();
    const { payment_id: attemptId } = await this.#row(booking);
    const key = newId('ref');
    await this.#refundAtProvider(attemptId!, key, booking);
    return { kind: 'refund_unknown', subject: key };
  }

  async refundOverCaptured(): Promise<Planted> {
    const { booking, attemptId } = await this.#refundOfExpired('SUCCEEDED', true);
    const second = newId('ref');
    const { amount, currency } = booking.price.total;
    await this.#system.db.transaction().execute(async (trx) => {
      await sql`set local session_replication_role = replica`.execute(trx);
      await sql`insert into refunds (id, payment_id, booking_id, amount, currency, status, created_at, updated_at)
        values (${second}, ${attemptId}, ${booking.id}, ${amount}, ${currency}, 'SUCCEEDED', now(), now())`.execute(
        trx,
      );
    });
    this.#books.push((store) => refundInBooks(store, 'simulator', { booking, attemptId, refundId: second }));
    return { kind: 'refund_over_captured', subject: `${attemptId}/refunds` };
  }

  async moneyDisagrees(): Promise<Planted> {
    const booking = await this.#confirmed();
    await this.#set(booking, sql`kept_amount = 100`);
    return { kind: 'money_disagrees', subject: booking.id };
  }

  async heldPastExpiry(): Promise<Planted> {
    const booking = await book(this.#system, await openShow(this.#system), [0, 1]);
    await this.#terminate(booking);
    await shortenHold(this.#system, booking);
    return { kind: 'held_past_expiry', subject: booking.id };
  }

  async holdWithoutBooking(): Promise<Planted> {
    // Longer than the tests run: its show ends it at its time.
    const booking = await book(this.#system, await openShow(this.#system), [0, 1], { holdTtlMs: 600_000 });
    await this.#terminate(booking);
    await this.#set(booking, sql`status = 'RELEASED'`);
    return { kind: 'hold_without_booking', subject: `${booking.showId}/${booking.id}` };
  }

  async seatInShowOnly(): Promise<Planted> {
    const show = await openShow(this.#system);
    const bookingId = newId('bkg');
    await this.#takeInShow(show, bookingId, [3, 4]);
    return { kind: 'seat_in_show_only', subject: `${show.id}/${bookingId}` };
  }

  async seatInRowsOnly(): Promise<Planted> {
    const { showId } = await this.#confirmed();
    const bookingId = newId('bkg');
    await this.#system.db
      .insertInto('booked_seats')
      .values({ show_id: showId, seat_id: 'A9', booking_id: bookingId })
      .execute();
    return { kind: 'seat_in_rows_only', subject: `${showId}/${bookingId}` };
  }

  async seatRowMissing(): Promise<Planted> {
    const { id, showId } = await this.#confirmed();
    await this.#system.db.deleteFrom('booked_seats').where('booking_id', '=', id).execute();
    return { kind: 'seat_row_missing', subject: `${showId}/${id}` };
  }

  async seatNotInShow(): Promise<Planted> {
    const { booking, attemptId } = await this.#confirmedUnpaid({ inShow: false });
    await chargeAtProvider(this.#system, booking, attemptId);
    const { id: bookingId, showId } = booking;
    return { kind: 'seat_not_in_show', subject: `${showId}/${bookingId}` };
  }

  async seatSoldTwice(): Promise<Planted> {
    const show = await openShow(this.#system);
    const [first, second] = [await this.#confirmed(show, [0]), await this.#confirmed(show, [5])];
    await this.#set(second, sql`seats = (select seats from bookings where id = ${first.id})`);
    await this.#system.db.deleteFrom('booked_seats').where('booking_id', '=', second.id).execute();
    await this.#system.workflows.seatCommand(show.id, { kind: 'return', bookingId: second.id });
    return { kind: 'seat_sold_twice', subject: `${show.id}/0` };
  }

  async seatMapDiffers(): Promise<Planted> {
    const { showId } = await this.#confirmed();
    await untilProjected(this.#system, showId);
    await sql`update seat_map_snapshots set statuses = overlay(statuses placing 'x' from 8) where show_id = ${showId}`.execute(
      this.#system.db,
    );
    return { kind: 'seat_map_differs', subject: showId };
  }

  async eventNeverSent(): Promise<Planted> {
    const booking = await this.#confirmed();
    const { rows } = await sql<{ id: number }>`
      insert into outbox_parked (booking_id, queue, event_id, lane, tries, last_error, first_failed_at, parked_at)
      select booking_id, 'notifications', id, 0, 9, 'no such mailbox', now(), now()
      from outbox where booking_id = ${booking.id} and type = 'booking.confirmed' returning event_id as id`.execute(
      this.#system.db,
    );
    return { kind: 'event_never_sent', subject: `notifications/${rows[0]!.id}` };
  }

  async stuckWorkflow(): Promise<Planted> {
    const workflowId = `booking/${newId('bkg')}`;
    // Asleep for as long as the tests run.
    await this.#system.temporal.workflow.start('bookingWorkflow', {
      workflowId,
      taskQueue: 'seatkeeper-bookings',
      args: [],
      startDelay: '1h',
      searchAttributes: { SeatkeeperBookingStatus: ['STUCK'] },
    });
    return { kind: 'stuck_workflow', subject: workflowId };
  }

  // ---- what they are made of ----

  async #confirmed(show?: Show, seats: readonly number[] = [0, 1]): Promise<NewBooking> {
    const booking = await book(this.#system, show ?? (await openShow(this.#system)), seats);
    await pay(this.#system, booking, 'tok_ok');
    expect(await endOf(this.#system, booking)).toBe('CONFIRMED');
    return booking;
  }

  async #expired(): Promise<NewBooking> {
    const booking = await book(this.#system, await openShow(this.#system), [0, 1], { holdTtlMs: 300 });
    expect(await endOf(this.#system, booking)).toBe('EXPIRED');
    return booking;
  }

  /** By all records but the provider's, or also the show's. */
  async #confirmedUnpaid({ inShow = true } = {}): Promise<{
    readonly booking: NewBooking;
    readonly attemptId: string;
  }> {
    const booking = await book(this.#system, await openShow(this.#system), [0, 1]);
    await this.#terminate(booking);
    const attemptId = newId('pay');
    const give = { kind: 'release', bookingId: booking.id } as const;
    await (inShow
      ? this.#takeInShow({ id: booking.showId }, booking.id, [0, 1])
      : this.#system.workflows.seatCommand(booking.showId, give));
    const row = await rowOf(this.#system, booking);
    await recordConfirmations(this.#system.db, [
      {
        booking: { ...row, version: 2, changedAtMs: Date.now() },
        payment: this.#payment(booking, attemptId),
        outbox: [],
      },
    ]);
    return { booking, attemptId };
  }

  async #refundOfExpired(status: 'PENDING' | 'SUCCEEDED', isMade = false) {
    const booking = await this.#expired();
    const attemptId = newId('pay');
    const refundId = attemptId.replace('pay_', 'ref_');
    await this.#paid(booking, attemptId, await chargeAtProvider(this.#system, booking, attemptId));
    const nowMs = Date.now();
    const refund = { id: refundId, paymentId: attemptId, bookingId: booking.id, amount: booking.price.total, status };
    await recordRefunds(this.#system.db, [
      { ...refund, providerReference: null, changeId: null, createdAtMs: nowMs, updatedAtMs: nowMs },
    ]);
    await this.#set(booking, sql`refund = ${JSON.stringify({ amount: booking.price.total, status })}::jsonb`);
    if (isMade) await this.#refundAtProvider(attemptId, refundId, booking);
    return { booking, attemptId, refundId };
  }

  #payment({ id: bookingId, price }: NewBooking, attemptId: string) {
    const nowMs = Date.now();
    const about = {
      id: attemptId,
      bookingId,
      amount: price.total,
      provider: 'simulator',
      providerReference: 'ch_planted',
    };
    const rest = { method: null, failureReason: null, fingerprint: null, createdAtMs: nowMs, updatedAtMs: nowMs };
    return { ...about, ...rest, status: 'SUCCEEDED' } as const;
  }

  async #paid(booking: NewBooking, attemptId: string, providerReference: string): Promise<void> {
    await recordPayments(this.#system.db, [{ ...this.#payment(booking, attemptId), providerReference }]);
  }

  async #refundAtProvider(attemptId: string, key: string, { price }: NewBooking): Promise<void> {
    const response = await fetch(`${this.#system.simulatorUrl}/v1/simulator/refunds`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ chargeKey: attemptId, amount: price.total }),
    });
    expect(response.status).toBe(200);
  }

  async #takeInShow({ id: showId }: Pick<Show, 'id'>, bookingId: string, seats: readonly number[]): Promise<void> {
    const buyerId = newId('usr');
    const take = { kind: 'confirm', bookingId, buyerId, seats, reclaim: true } as const;
    expect(await this.#system.workflows.seatCommand(showId, take)).toMatchObject({ ok: true });
  }

  async #terminate({ id }: NewBooking): Promise<void> {
    await this.#system.temporal.workflow.getHandle(bookingWorkflowId(id)).terminate();
  }

  async #set({ id }: Pick<NewBooking, 'id'>, change: ReturnType<typeof sql>): Promise<void> {
    await sql`update bookings set ${change} where id = ${id}`.execute(this.#system.db);
  }

  #row({ id }: NewBooking) {
    return this.#system.db.selectFrom('bookings').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  }

  async #enterIntoBooks(): Promise<void> {
    const { simulator, env } = this.#system;
    await simulator.kill('SIGTERM');
    const store = new ProviderStore(join(env.DATA_DIR!, 'payment-simulator.sqlite'), () => undefined);
    await store.commit(() => this.#books.forEach((enter) => enter(store)));
    store.close();
    await simulator.start();
  }
}

/** A hold whose workflow is gone: it is over in a moment, by show and rows. */
export async function shortenHold(
  { db, workflows }: Pick<TestSystem, 'db' | 'workflows'>,
  { id, showId }: NewBooking,
): Promise<void> {
  const expiresAtMs = await eventually(async () => {
    const inAMomentMs = Date.now() + 400;
    // Refused if the moment is over before its show hears of it.
    const shorten = { kind: 'extend', bookingId: id, expiresAtMs: inAMomentMs } as const;
    expect(await workflows.seatCommand(showId, shorten)).toMatchObject({ ok: true });
    return inAMomentMs;
  });
  await sql`update bookings set expires_at = ${new Date(expiresAtMs)} where id = ${id}`.execute(db);
}

/** No relay runs in these tests: what they did not plant has been handed out. */
export async function handOut({ db }: Pick<TestSystem, 'db'>): Promise<void> {
  await sql`update outbox set relayed_at = now() where relayed_at is null`.execute(db);
}

function refundInBooks(
  store: ProviderStore,
  provider: string,
  about: { readonly booking: NewBooking; readonly attemptId: string; readonly refundId: string },
  status: 'succeeded' | 'failed' = 'succeeded',
): void {
  const { booking, attemptId, refundId } = about;
  const id = `planted-${refundId}`;
  const charge = store.chargeByKey('simulator', attemptId)!;
  const nowMs = Date.now();
  const money = { provider, ...booking.price.total };
  store.addRefund({
    id,
    key: refundId,
    chargeId: charge.id,
    ...money,
    status,
    createdAtMs: nowMs,
    dueAtMs: null,
  });
  if (status === 'failed') return;
  store.addLedgerEntry({ id, kind: 'refund', bookingId: booking.id, attemptId, ...money, atMs: nowMs });
}
