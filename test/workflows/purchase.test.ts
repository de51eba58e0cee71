import { MockActivityEnvironment } from '@temporalio/testing';
import { createPurchaseActivities } from '../../activities/purchase-activities.ts';
import type { PurchaseProgress } from '../../src/contracts/booking-messages.ts';
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

/** How far a purchase comes, and the steps that it has begun. */
async function purchase(differently: Partial<Steps> = {}, environment = new MockActivityEnvironment()) {
  const begun: string[] = [];
  const steps: Steps = {
    chargePayment: () => Promise.resolve(charge),
    confirmSeats: () => Promise.resolve(seats),
    recordConfirmed: () => Promise.resolve(recorded),
    ...differently,
  };
  const noted: Steps = {
    chargePayment: (...args) => (begun.push('charge'), steps.chargePayment(...args)),
    confirmSeats: (...args) => (begun.push('confirm'), steps.confirmSeats(...args)),
    recordConfirmed: (...args) => (begun.push('record'), steps.recordConfirmed(...args)),
  };
  const activities = createPurchaseActivities(noted);
  const run = (): Promise<PurchaseProgress> => activities.purchase(request, booking);
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
    const late = await purchase({ chargePayment: () => (charging.cancel(), Promise.resolve(charge)) }, charging);
    expect(late).toEqual({ progress: { charge }, begun: ['charge'] });
    const confirming = new MockActivityEnvironment();
    const later = await purchase({ confirmSeats: () => (confirming.cancel(), Promise.resolve(seats)) }, confirming);
    expect(later).toEqual({ progress: { charge, seats }, begun: ['charge', 'confirm'] });
  });
});
