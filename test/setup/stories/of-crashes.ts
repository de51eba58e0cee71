import type { NewBooking } from '../../../src/domain/booking.ts';
import { newId } from '../../../src/platform/ids.ts';
import type { BookingTerms } from '../../../src/domain/booking-process.ts';
import type { Show } from '../../../src/read-model/shows.ts';
import { book, changeEndOf, endOf, pay } from '../bookings.ts';
import { exchangeFor } from '../exchanges.ts';
import { openShow } from '../shows.ts';
import type { TestSystem } from '../system.ts';
import { untilKnown } from '../until-known.ts';
import { withInterruptedWorker } from '../with-interrupted-worker.ts';
import { ofBooking, ofChange, patient, type Recorded, type Story } from './story.ts';

type Act = (own: TestSystem, booking: NewBooking, show: Show) => Promise<unknown>;

const paying: Act = (own, booking) => pay(own, booking, 'tok_ok');

const cancelling: Act = async (own, booking) => {
  await pay(own, booking, 'tok_ok');
  const asked = { changeId: newId('chg'), bookingId: booking.id, requestedBy: booking.userId };
  await untilKnown(() => own.workflows.changeBooking({ kind: 'cancellation', ...asked }, booking));
  await changeEndOf(own, booking);
};

const exchanging: Act = async (own, booking) => {
  await pay(own, booking, 'tok_ok');
  const to = await openShow(own, { seatPrice: 40_000 });
  const change = exchangeFor(booking, to, [3, 4]);
  await untilKnown(() => own.workflows.exchangeBooking(change, booking));
  await changeEndOf(own, booking);
};

interface Further {
  /** An activity whose first call fails. */
  readonly failing?: string;
  readonly terms?: Partial<BookingTerms>;
}

/** It is secured before it is paid. */
const shortHold = { ...patient, holdTtlMs: 50_000 };

/** Workflows whose worker was killed in the middle of a step: tasks that timed out, and steps that were found half done. */
export function crashStories(system: TestSystem): readonly Story[] {
  const killed =
    (at: string, name: string, act: Act, { failing, terms = patient }: Further = {}): Story =>
    (): Promise<Recorded[]> =>
      withInterruptedWorker(
        system,
        { at, by: 'SIGKILL', failing },
        async (own, { namespace, next, untilInterrupted }) => {
          const show = await openShow(own);
          const booking = await book(own, show, [0, 1], terms);
          const acting = act(own, booking, show);
          acting.catch(() => undefined);
          await untilInterrupted();
          await next.start();
          await acting;
          await endOf(own, booking);
          const recorded = act === paying ? ofBooking(name, booking) : ofChange(name, booking);
          return [{ ...recorded, namespace }];
        },
      );

  return [
    killed('after chargePayment', 'killed-after-the-charge', paying),
    killed('after confirmSeats', 'killed-after-the-seats', paying),
    killed('after confirmSeats', 'killed-after-the-seats-of-a-short-hold', paying, { terms: shortHold }),
    killed('after recordConfirmed', 'killed-after-the-record', paying),
    killed('after recordCancellation', 'killed-after-a-cancellation', cancelling),
    killed('after refundPayment', 'killed-after-a-refund', cancelling),
    killed('after chargePayment#2', 'killed-after-the-difference', exchanging),
    killed('after recordExchange', 'killed-after-an-exchange', exchanging),
    killed('after recordExchange', 'killed-after-an-exchange-that-was-new-on-record', exchanging, {
      failing: 'findExchange',
    }),
  ];
}
