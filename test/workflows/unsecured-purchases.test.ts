import type { NewBooking } from '../../src/domain/booking.ts';
import { book, endOf, pay } from '../setup/bookings.ts';
import { ledgerOf, openShow } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { withHaltingWorker } from '../setup/with-halting-worker.ts';

const system = useTestSystem({ workers: 0 });

/** It has to be secured. */
const terms = { holdTtlMs: 60_000, paymentDeadlineMs: 90_000 };

const movements = async ({ id }: NewBooking) =>
  (await ledgerOf(system)).filter((item) => item.bookingId === id).map(({ kind }) => kind);

describe('a payment whose seats are gone is not charged', () => {
  test.each([
    ['the show was asked in time, and has not answered', 'extendHold'],
    ['its purchase was cut off before anybody knew of a charge', 'chargePayment'],
  ])('though %s', (_when, step) =>
    withHaltingWorker(system, async (own, halts) => {
      const show = await openShow(own);
      const booking = await book(own, show, [0, 1], terms);
      await halts.haltBefore(step, booking);
      const paying = pay(own, booking, 'tok_ok');
      paying.catch(() => undefined);
      await halts.untilHalted(booking);
      await own.workflows.seatCommand(show.id, { kind: 'release', bookingId: booking.id });
      expect(await paying).toMatchObject({ outcome: 'refused', refusal: 'HOLD_EXPIRED' });
      expect(await endOf(own, booking)).toBe('EXPIRED');
      await halts.fail(booking);
      expect(await movements(booking)).toEqual([]);
    }),
  );

  test('and one whose seats are there goes on where the show was slow to secure them', () =>
    withHaltingWorker(system, async (own, halts) => {
      const show = await openShow(own);
      const booking = await book(own, show, [0, 1], terms);
      await halts.haltBefore('extendHold', booking);
      expect(await pay(own, booking, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
      await halts.fail(booking);
      expect(await movements(booking)).toEqual(['charge']);
    }));
});
