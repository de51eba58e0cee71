import { MockActivityEnvironment } from '@temporalio/testing';
import { createPurchaseActivities } from '../../activities/purchase-activities.ts';
import type { HoldToSecure, PurchaseProgress } from '../../src/contracts/booking-messages.ts';
import type { ChargeOutcome, ChargeRequest } from '../../src/contracts/payments.ts';
import { inNextVersion } from '../../src/domain/booking.ts';
import { someBooking } from '../read-model/bookings-of-tests.ts';

type Steps = Parameters<typeof createPurchaseActivities>[0];

const booking = someBooking({ status: 'PAYMENT_PENDING', payment: { status: 'PENDING' }, version: 2 });
const request: ChargeRequest = {
  ...{ attemptId: 'pay_1', bookingId: booking.id, amount: booking.price.total },
  ...{ method: 'card', token: 'tok_ok' },
};
const charge: ChargeOutcome = { status: 'succeeded', provider: 'simulator', providerReference: 'ch_1' };
const seats = { ok: true, seats: [0, 1], expiresAtMs: null, heldAtMs: null } as const;
const recorded = { kind: 'recorded', bookingNumber: 'BMS2026112000000001' } as const;
const failure = () => Promise.reject(new Error('not now'));

const secured = { ok: true, seats: [0, 1], expiresAtMs: booking.expiresAtMs + 5, heldAtMs: 0 } as const;

interface Further {
  readonly environment?: MockActivityEnvironment;
  readonly toSecure?: HoldToSecure;
}

/** How far a purchase comes, and the steps that it has begun. */
async function purchase(
  differently: Partial<Steps> = {},
  { environment = new MockActivityEnvironment(), toSecure }: Further = {},
) {
  const begun: string[] = [];
  const steps = {
    extendHold: () => Promise.resolve(secured),
    chargePayment: () => Promise.resolve(charge),
    confirmSeats: () => Promise.resolve(seats),
    recordConfirmed: () => Promise.resolve(recorded),
    ...differently,
  };
  const noted: Steps = {
    extendHold: (...args) => (begun.push('secure'), steps.extendHold(...args)),
    chargePayment: (...args) => (begun.push('charge'), steps.chargePayment(...args)),
    confirmSeats: (...args) => (begun.push('confirm'), steps.confirmSeats(...args)),
    recordConfirmed: (...args) => (begun.push('record'), steps.recordConfirmed(...args)),
  };
  const activities = createPurchaseActivities(noted);
  const run = (): Promise<PurchaseProgress> => activities.purchase(request, booking, toSecure);
  const progress = await environment.run<[], PurchaseProgress, typeof run>(run);
  return { progress, begun };
}

describe('a purchase that is tried whole', () => {
  test('charges, confirms and records what the workflow would record', async () => {
    const told: unknown[] = [];
    const recordConfirmed: Steps['recordConfirmed'] = (...args) => (told.push(args), Promise.resolve(recorded));
    const { progress, begun } = await purchase({ recordConfirmed });
    expect(progress).toEqual({ charge, seats, recorded });
    expect(begun).toEqual(['charge', 'confirm', 'record']);
    const paid = inNextVersion({ ...booking, payment: { status: 'SUCCEEDED' } });
    const attempt = { id: 'pay_1', amount: booking.price.total, status: 'SUCCEEDED' };
    expect(told).toEqual([[paid, expect.objectContaining(attempt)]]);
  });

  test.each<[string, ChargeOutcome]>([
    ['declined', { status: 'declined', provider: 'simulator', providerReference: 'ch_1', reason: 'no_funds' }],
    ['unknown', { status: 'unknown', provider: 'simulator', reason: 'no answer' }],
    ['captured otherwise', { ...charge, captured: { bookingId: booking.id, amount: { amount: 1, currency: 'INR' } } }],
    ['captured for another', { ...charge, captured: { bookingId: 'bkg_other', amount: booking.price.total } }],
  ])('confirms nothing that was %s', async (_what, outcome) => {
    const { progress, begun } = await purchase({ chargePayment: () => Promise.resolve(outcome) });
    expect(progress).toEqual({ charge: outcome });
    expect(begun).toEqual(['charge']);
  });

  test('tells of a confirmation that was refused, and records none', async () => {
    const refused = { ok: false, refusal: 'HOLD_EXPIRED' } as const;
    const { progress, begun } = await purchase({ confirmSeats: () => Promise.resolve(refused) });
    expect(progress).toEqual({ charge, seats: refused });
    expect(begun).toEqual(['charge', 'confirm']);
  });

  test('does not forget the money when a later step fails', async () => {
    expect((await purchase({ confirmSeats: failure })).progress).toEqual({ charge });
    expect((await purchase({ recordConfirmed: failure })).progress).toEqual({ charge, seats });
    await expect(purchase({ chargePayment: failure })).rejects.toThrow('not now');
  });

  test('begins no step once its time is up: the workflow has gone on, and may have ended the booking', async () => {
    const charging = new MockActivityEnvironment();
    const late = await purchase(
      { chargePayment: () => (charging.cancel(), Promise.resolve(charge)) },
      { environment: charging },
    );
    expect(late).toEqual({ progress: { charge }, begun: ['charge'] });
    const confirming = new MockActivityEnvironment();
    const later = await purchase(
      { confirmSeats: () => (confirming.cancel(), Promise.resolve(seats)) },
      { environment: confirming },
    );
    expect(later).toEqual({ progress: { charge, seats }, begun: ['charge', 'confirm'] });
  });

  describe('of a hold that is to last until the deadline', () => {
    const toSecure: HoldToSecure = { untilMs: booking.expiresAtMs + 5, askedAtMs: 7 };

    test('asks the show for it first, where the hold ends before', async () => {
      const told: unknown[] = [];
      const extendHold: Steps['extendHold'] = (...args) => (told.push(args), Promise.resolve(secured));
      const { progress, begun } = await purchase({ extendHold }, { toSecure });
      expect(progress).toEqual({ secured, charge, seats, recorded });
      expect(begun).toEqual(['secure', 'charge', 'confirm', 'record']);
      expect(told).toEqual([[{ showId: booking.showId, bookingId: booking.id }, booking.expiresAtMs + 5, 7]]);
    });

    test('asks nobody where it lasts as long already', async () => {
      const { progress, begun } = await purchase({}, { toSecure: { ...toSecure, untilMs: booking.expiresAtMs } });
      expect(progress).toEqual({ charge, seats, recorded });
      expect(begun).toEqual(['charge', 'confirm', 'record']);
    });

    test('charges nothing where the hold is gone, or nobody knows', async () => {
      const gone = { ok: false, refusal: 'HOLD_EXPIRED' } as const;
      const refused = await purchase({ extendHold: () => Promise.resolve(gone) }, { toSecure });
      expect(refused).toEqual({ progress: { secured: gone }, begun: ['secure'] });
      expect(await purchase({ extendHold: failure }, { toSecure })).toEqual({ progress: {}, begun: ['secure'] });
      const securing = new MockActivityEnvironment();
      const late = { extendHold: () => (securing.cancel(), Promise.resolve(secured)) };
      const cutOff = await purchase(late, { toSecure, environment: securing });
      expect(cutOff).toEqual({ progress: { secured }, begun: ['secure'] });
    });

    test('goes on with one that a task has booked which was lost', async () => {
      const booked = { ok: false, refusal: 'ALREADY_BOOKED' } as const;
      const { progress } = await purchase({ extendHold: () => Promise.resolve(booked) }, { toSecure });
      expect(progress).toEqual({ secured: booked, charge, seats, recorded });
    });
  });
});
