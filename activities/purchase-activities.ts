import { setTimeout as delay } from 'node:timers/promises';
import { Context, log } from '@temporalio/activity';
import type { HoldToSecure, PurchaseProgress } from '../src/contracts/booking-messages.ts';
import { attemptKnowledge, capturedOtherwise } from '../src/contracts/charge-outcomes.ts';
import { securedWithinMs } from '../src/contracts/payment-time-limits.ts';
import type { ChargeRequest } from '../src/contracts/payments.ts';
import { type Booking, inNextVersion } from '../src/domain/booking.ts';
import type { SeatCommandResult } from '../src/domain/seat-commands.ts';
import type { BookingActivities } from './booking-activities.ts';

type Steps = Pick<BookingActivities, 'extendHold' | 'chargePayment' | 'confirmSeats' | 'recordConfirmed'>;

export type PurchaseActivities = ReturnType<typeof createPurchaseActivities>;

/** The first try of a purchase, made of the steps that it would take one by one. */
export function createPurchaseActivities({ extendHold, chargePayment, confirmSeats, recordConfirmed }: Steps) {
  return {
    /**
     * Secures the hold if its time ends too early, charges, confirms and records as long as each goes well at once, and
     * answers how far it came: the workflow goes on from there, step by step. Each step is idempotent, so that a repeat,
     * after a worker's death, comes as far or further. Once its time is up no step is begun: the workflow has gone on
     * without it, and decides alone.
     */
    async purchase(request: ChargeRequest, booking: Booking, toSecure?: HoldToSecure): Promise<PurchaseProgress> {
      const { cancellationSignal: timeIsUp } = Context.current();
      let before: Pick<PurchaseProgress, 'secured'> = {};
      if (toSecure !== undefined && booking.expiresAtMs < toSecure.untilMs) {
        const hold = { showId: booking.showId, bookingId: booking.id };
        const asking = unlessItFails('extendHold', extendHold(hold, toSecure.untilMs, toSecure.askedAtMs));
        const secured = await Promise.race([asking, delay(securedWithinMs, undefined, { ref: false })]);
        before = { secured };
        if (!maySellTo(secured) || timeIsUp.aborted) return before;
      }
      const charge = await chargePayment(request);
      const charged = { ...before, charge };
      if (charge.status !== 'succeeded' || capturedOtherwise(charge, request) || timeIsUp.aborted) return charged;
      const seats = await unlessItFails('confirmSeats', confirmSeats(booking, { reclaim: false }));
      if (!seats?.ok || timeIsUp.aborted) return { ...charged, seats };
      const paid = inNextVersion({ ...booking, payment: { status: 'SUCCEEDED' } });
      const attempt = { id: request.attemptId, amount: request.amount, ...attemptKnowledge(charge) };
      return { ...charged, seats, recorded: await unlessItFails('recordConfirmed', recordConfirmed(paid, attempt)) };
    },
  };
}

/** Its hold is secured, or has been paid by a task that was lost with its worker: the same attempt goes on with it. */
const maySellTo = (secured: SeatCommandResult | undefined): boolean =>
  secured !== undefined && (secured.ok || secured.refusal === 'ALREADY_BOOKED');

/** A step that failed is the workflow's to repeat; what came before it must not be forgotten. */
async function unlessItFails<Result>(step: string, running: Promise<Result>): Promise<Result | undefined> {
  try {
    return await running;
  } catch (error) {
    log.warn('a step of a purchase failed in its first try', { step, err: error });
    return undefined;
  }
}
