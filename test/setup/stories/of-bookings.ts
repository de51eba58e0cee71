import { sql } from 'kysely';
import { bookingMessages } from '../../../src/contracts/booking-messages.ts';
import type { PaymentNotification } from '../../../src/contracts/payments.ts';
import { bookingWorkflowId, showCancellationWorkflowId, STUCK } from '../../../src/contracts/workflow-ids.ts';
import { BOOKING_COMMANDS_MAX, type NewBooking, PAYMENT_ATTEMPTS_MAX } from '../../../src/domain/booking.ts';
import type { BookingTerms } from '../../../src/domain/booking-process.ts';
import { newId } from '../../../src/platform/ids.ts';
import type { Show } from '../../../src/read-model/shows.ts';
import {
  book,
  captured,
  chargeAtProvider,
  decideAtProvider,
  endOf,
  lateEndOf,
  pay,
  recordAttempt,
  rowOf,
  seatsAt,
} from '../bookings.ts';
import { exchangeFor } from '../exchanges.ts';
import { eventually } from '../eventually.ts';
import { cancelledByStaff } from '../show-changes.ts';
import { openShow } from '../shows.ts';
import type { TestSystem } from '../system.ts';
import { brief, ofBooking, ofLate, patient, type Recorded, short, type Story } from './story.ts';

/** The tries of a step that fails at once take half a minute. */
const STUCK_WITHIN_MS = 90_000;
const otherPrice = { lines: [], total: { amount: 31_000, currency: 'INR' } };

/** Bookings, and the payments that outlive them, in all their interesting states. */
export function bookingStories(system: TestSystem): readonly Story[] {
  /** A booking of its own show that is played to its end. */
  async function ended(
    name: string,
    terms: Partial<BookingTerms>,
    play: (booking: NewBooking, show: Show) => Promise<unknown>,
  ): Promise<Recorded[]> {
    const show = await openShow(system);
    const booking = await book(system, show, [0, 1], terms);
    await play(booking, show);
    await endOf(system, booking);
    return [ofBooking(name, booking)];
  }

  const paidWith = (token: string) => (booking: NewBooking) => pay(system, booking, token);

  /** A charge of which the booking's workflow knows nothing, told by its provider; of another amount where `charged` has one. */
  async function tellOfUnheardMoney(
    booking: NewBooking,
    charged: Pick<NewBooking, 'price'> = booking,
  ): Promise<string> {
    const attemptId = newId('pay');
    const other = { ...booking, price: charged.price };
    await recordAttempt(system, other, attemptId);
    const notice = captured(other, attemptId, await chargeAtProvider(system, other, attemptId));
    await system.workflows.notifyPayment(notice, booking);
    return attemptId;
  }

  /** Left with its payment in doubt, and settled by the successor. */
  async function givenUp(name: string, token: string): Promise<Recorded[]> {
    const show = await openShow(system);
    const booking = await book(system, show, [0, 1], short);
    const attemptId = newId('pay');
    await pay(system, booking, token, attemptId);
    await endOf(system, booking);
    await lateEndOf(system, booking, attemptId);
    return [ofBooking(name, booking), ofLate(name, booking, attemptId)];
  }

  /** Money of which a provider tells when the booking has ended; `before`: what became of its seats. */
  async function late(
    name: string,
    before: (show: Show) => Promise<unknown>,
    charged?: Pick<NewBooking, 'price'>,
  ): Promise<Recorded[]> {
    const show = await openShow(system);
    const booking = await book(system, show, [0, 1], brief);
    await endOf(system, booking);
    await before(show);
    const attemptId = await tellOfUnheardMoney(booking, charged);
    await lateEndOf(system, booking, attemptId);
    return [ofLate(name, booking, attemptId)];
  }

  /** Pending until its buyer approves it, after what happens meanwhile. */
  const approvedAfter =
    (meanwhile: (booking: NewBooking, show: Show, attemptId: string) => Promise<unknown>) =>
    async (booking: NewBooking, show: Show): Promise<void> => {
      const attemptId = newId('pay');
      const answer = await pay(system, booking, 'tok_redirect', attemptId);
      await meanwhile(booking, show, attemptId);
      const reference = await decideAtProvider(answer, 'approve');
      await system.workflows.notifyPayment(captured(booking, attemptId, reference), booking);
    };

  const handleOf = ({ id }: NewBooking) => system.temporal.workflow.getHandle(bookingWorkflowId(id));
  const loseSeats = ({ id: bookingId }: NewBooking, show: Show) =>
    system.workflows.seatCommand(show.id, { kind: 'release', bookingId });
  const cancelShow = async (show: Show) => {
    await system.workflows.startShowChange(await cancelledByStaff(system, show));
    await system.temporal.workflow.getHandle(showCancellationWorkflowId(show.id)).result();
  };
  const seatOfAnother = ({ id }: NewBooking, show: Show) =>
    system.db.insertInto('booked_seats').values({ show_id: show.id, seat_id: 'seat-1', booking_id: id }).execute();

  /** Postgres refuses this booking's rows of booked seats until its workflow shows that it is stuck. */
  async function stuckFor(booking: NewBooking, act: () => Promise<unknown>): Promise<void> {
    const name = sql.id(`refused_${booking.id}`);
    await sql`create or replace function refuse() returns trigger language plpgsql
      as $$ begin raise exception 'no room on the disk'; end $$`.execute(system.db);
    await sql`create trigger ${name} before insert on booked_seats for each row
      when (new.booking_id = ${sql.lit(booking.id)}) execute function refuse()`.execute(system.db);
    const acting = act();
    acting.catch(() => undefined);
    const query = `WorkflowId = '${bookingWorkflowId(booking.id)}' AND SeatkeeperBookingStatus = '${STUCK}'`;
    await eventually(async () => {
      const { count } = await system.temporal.workflow.count(query);
      expect(count).toBe(1);
    }, STUCK_WITHIN_MS);
    await sql`drop trigger ${name} on booked_seats`.execute(system.db);
  }

  const held: readonly Story[] = [
    () => ended('expired', brief, () => Promise.resolve()),
    () => ended('released', patient, ({ id }) => system.workflows.release(id)),
    () =>
      ended('cancelled-by-operator', patient, async (booking) => {
        // A booking that nobody has touched sleeps, and hears of it only when its hold expires.
        await system.workflows.extend(booking.id, 'first');
        await handleOf(booking).cancel();
      }),
    () =>
      ended('changed-and-extended', patient, async (booking, show) => {
        await system.workflows.changeSeats(booking.id, 'refused', seatsAt(show, [8]));
        const change = seatsAt(show, [4, 5, 6]);
        await system.workflows.changeSeats(booking.id, 'granted', change);
        await system.workflows.extend(booking.id, 'first');
        await pay(system, { ...booking, ...change }, 'tok_ok');
      }),
    () =>
      ended('changed-after-a-later-change', patient, async (booking, show) => {
        // Of a server whose clock was ahead.
        const later = { bookingId: booking.id, seats: [8, 9], askedAtMs: Date.now() + 60_000 } as const;
        await system.workflows.seatCommand(show.id, { kind: 'swap', ...later });
        await system.workflows.changeSeats(booking.id, 'granted', seatsAt(show, [4, 5]));
        await system.workflows.extend(booking.id, 'first');
        await system.workflows.release(booking.id);
      }),
    () =>
      ended('refuses-to-be-changed', { ...patient, extensionsMax: 1 }, async (booking, show) => {
        await book(system, show, [4, 5], patient);
        await system.workflows.extend(booking.id, 'first');
        await system.workflows.extend(booking.id, 'second');
        await system.workflows.changeSeats(booking.id, 'taken', seatsAt(show, [4, 5]));
        await system.workflows.changeSeats(booking.id, 'outdated', { ...seatsAt(show, [8, 9]), version: 1 });
        await system.workflows.release(booking.id);
      }),
    () =>
      ended('hears-as-much-as-it-may', { ...patient, extensionsMax: 0 }, async ({ id }) => {
        const extensions = Array.from({ length: BOOKING_COMMANDS_MAX + 1 }, (_, number) => `extension ${number}`);
        for (const extension of extensions) await system.workflows.extend(id, extension);
        await system.workflows.release(id);
      }),
    () => ended('extended-then-expired', { holdTtlMs: 2_000 }, ({ id }) => system.workflows.extend(id, 'first')),
  ];

  const paid: readonly Story[] = [
    () => ended('confirmed', patient, paidWith('tok_ok')),
    () =>
      ended('declined-then-confirmed', { ...patient, holdTtlMs: 30_000 }, async (booking) => {
        await pay(system, booking, 'tok_declined');
        await pay(system, booking, 'tok_down');
        await pay(system, booking, 'tok_ok');
      }),
    () =>
      ended('declined-as-often-as-it-may', patient, async (booking) => {
        for (let attempt = 0; attempt <= PAYMENT_ATTEMPTS_MAX; attempt += 1) await pay(system, booking, 'tok_declined');
        await system.workflows.release(booking.id);
      }),
    () =>
      ended('unprocessed-as-often-as-it-may-then-confirmed', patient, async (booking) => {
        for (let attempt = 0; attempt < PAYMENT_ATTEMPTS_MAX; attempt += 1) await pay(system, booking, 'tok_down');
        await pay(system, booking, 'tok_ok');
      }),
    () =>
      ended('declined-with-its-hold-gone', patient, async (booking, show) => {
        await system.workflows.seatCommand(show.id, { kind: 'release', bookingId: booking.id });
        await pay(system, booking, 'tok_declined');
      }),
    () =>
      ended('declined-then-expired-at-once', { ...patient, holdTtlMs: 3_000 }, async (booking) => {
        const answer = await pay(system, booking, 'tok_redirect');
        await eventually(() => expect(Date.now()).toBeGreaterThan(booking.expiresAtMs));
        await decideAtProvider(answer, 'decline');
      }),
    () =>
      ended('paid-by-two-attempts-at-once', patient, async (booking) => {
        const attemptId = newId('pay');
        await Promise.all([
          pay(system, booking, 'tok_slow', attemptId),
          pay(system, booking, 'tok_ok'),
          system.workflows.release(booking.id),
        ]);
      }),
    () => ended('unknown-found-charged', patient, paidWith('tok_timeout_charged')),
    () => ended('unknown-charged-again', patient, paidWith('tok_500_twice')),
    () =>
      ended('unknown-voided', patient, async (booking) => {
        await pay(system, booking, 'tok_timeout_not_charged');
        const failed = { status: 'HELD', payment: { status: 'FAILED' } };
        await eventually(async () => expect(await rowOf(system, booking)).toMatchObject(failed), 60_000);
        await system.workflows.release(booking.id);
      }),
    () =>
      ended('not-paid-as-its-hold-is-gone', { ...patient, holdTtlMs: 5_000 }, async (booking, show) => {
        await loseSeats(booking, show);
        await pay(system, booking, 'tok_ok');
      }),
    () =>
      ended('not-paid-as-its-show-is-cancelled', { ...patient, holdTtlMs: 20_000 }, async (booking, show) => {
        await cancelShow(show);
        await pay(system, booking, 'tok_ok');
      }),
    () => ended('stuck-then-confirmed', patient, (booking) => stuckFor(booking, () => pay(system, booking, 'tok_ok'))),
  ];

  const pending: readonly Story[] = [
    () => ended('pending-found-by-asking', patient, paidWith('tok_pending')),
    () =>
      ended(
        'pending-told-by-webhook',
        patient,
        approvedAfter(() => Promise.resolve()),
      ),
    () =>
      ended('pending-told-by-signal', patient, async (booking) => {
        const attemptId = newId('pay');
        const reference = await decideAtProvider(await pay(system, booking, 'tok_redirect', attemptId), 'approve');
        const notice = captured(booking, attemptId, reference);
        await handleOf(booking).signal<[PaymentNotification]>(bookingMessages.paymentNotification, notice);
      }),
    () =>
      ended(
        'pending-told-what-is-not-believed',
        patient,
        approvedAfter((booking, _, attemptId) =>
          system.workflows.notifyPayment(captured({ ...booking, price: otherPrice }, attemptId, 'ch_none'), booking),
        ),
      ),
    () =>
      ended(
        'pending-cancelled-by-operator',
        patient,
        approvedAfter((booking) => handleOf(booking).cancel()),
      ),
    () => ended('pending-then-seats-reclaimed', patient, approvedAfter(loseSeats)),
    () =>
      ended('pending-failed-then-released', patient, async (booking) => {
        await pay(system, booking, 'tok_pending_fail');
        const declined = { payment: { status: 'DECLINED' } };
        await eventually(async () => expect(await rowOf(system, booking)).toMatchObject(declined));
        await system.workflows.release(booking.id);
      }),
    () => ended('adopted-unheard-money', patient, (booking) => tellOfUnheardMoney(booking)),
    () => givenUp('given-up-then-confirmed', 'tok_pending_late'),
    () => givenUp('given-up-then-not-charged', 'tok_redirect'),
  ];

  const givenBack: readonly Story[] = [
    () =>
      ended('refunded-second-line', patient, async (booking, show) => {
        await seatOfAnother(booking, show);
        await pay(system, booking, 'tok_refund_pending');
      }),
    () =>
      ended('refunded-by-the-second-refund', patient, async (booking, show) => {
        await seatOfAnother(booking, show);
        // Answered when the money has gone back: no payer waits so long.
        pay(system, booking, 'tok_refund_refused_once').catch(() => undefined);
      }),
    () =>
      ended(
        'refunded-seats-lost',
        patient,
        approvedAfter(async (booking, show) => {
          await loseSeats(booking, show);
          await book(system, show, [1, 2], brief);
        }),
      ),
    () =>
      ended(
        'refunded-show-cancelled-while-pending',
        patient,
        approvedAfter((_, show) => cancelShow(show)),
      ),
    async () => {
      const show = await openShow(system);
      const booking = await book(system, show, [0, 1]);
      const answer = await pay(system, booking, 'tok_redirect');
      const attemptId = await tellOfUnheardMoney(booking);
      await decideAtProvider(answer, 'approve');
      await endOf(system, booking);
      await lateEndOf(system, booking, attemptId);
      return [ofBooking('paid-twice', booking), ofLate('refunded-as-another-has-paid', booking, attemptId)];
    },
  ];

  const afterTheEnd: readonly Story[] = [
    () => late('confirmed-as-the-seats-are-free', () => Promise.resolve()),
    () => late('refunded-as-the-seats-are-taken', (show) => book(system, show, [1, 2])),
    () => late('refunded-as-the-show-is-cancelled', cancelShow),
    () => late('refunded-as-it-is-not-the-price', () => Promise.resolve(), { price: otherPrice }),
    async () => {
      const show = await openShow(system);
      const booking = await book(system, show, [0, 1]);
      await system.workflows.release(booking.id);
      await endOf(system, booking);
      const attemptId = await tellOfUnheardMoney(booking);
      await lateEndOf(system, booking, attemptId);
      return [ofLate('refunded', booking, attemptId)];
    },
    async () => {
      const show = await openShow(system);
      const booking = await book(system, show, [0, 1], brief);
      await endOf(system, booking);
      const notice = { ...captured(booking, newId('pay'), 'ch_none'), matchesRecord: false };
      await system.workflows.notifyPayment(notice, booking);
      await lateEndOf(system, booking, notice.attemptId);
      return [ofLate('not-believed', booking, notice.attemptId)];
    },
    /** Money of an exchange that came to nothing goes back by the way of late money. */
    async () => {
      const [show, other] = [await openShow(system), await openShow(system, { seatPrice: 40_000 })];
      const booking = await book(system, show, [0, 1], patient);
      await pay(system, booking, 'tok_ok');
      const change = exchangeFor(booking, other, [0, 1], 'tok_declined');
      await system.workflows.exchangeBooking(change, booking);
      const into = await rowOf(system, change.to);
      const attemptId = await tellOfUnheardMoney(into, { price: { lines: [], total: change.payment!.amount } });
      await lateEndOf(system, into, attemptId);
      return [ofLate('of-an-exchange', into, attemptId)];
    },
  ];

  return [...held, ...paid, ...pending, ...givenBack, ...afterTheEnd];
}
