import { Context, log } from '@temporalio/activity';
import type { PurchaseProgress } from '../src/contracts/booking-messages.ts';
import { attemptKnowledge, capturedOtherwise } from '../src/contracts/charge-outcomes.ts';
import type { ChargeRequest } from '../src/contracts/payments.ts';
import { type Booking, inNextVersion } from '../src/domain/booking.ts';
import type { BookingActivities } from './booking-activities.ts';

type Steps = Pick<BookingActivities, 'chargePayment' | 'confirmSeats' | 'recordConfirmed'>;

export type PurchaseActivities = ReturnType<typeof createPurchaseActivities>;

/** The first try of a purchase, made of the steps that it would take one by one. */
export function createPurchaseActivities({ chargePayment, confirmSeats, recordConfirmed }: Steps) {
  return {
    /**
     * Charges, confirms and records as long as each goes well at once, and answers how far it came: the workflow goes on
     * from there, step by step. Each step is idempotent, so that a repeat, after a worker's death, comes as far or further.
     * Once its time is up no step is begun: the workflow has gone on without it, and decides alone.
     */
    async purchase(request: ChargeRequest, booking: Booking): Promise<PurchaseProgress> {
      const { cancellationSignal: timeIsUp } = Context.current();
      const charge = await chargePayment(request);
      if (charge.status !== 'succeeded' || capturedOtherwise(charge, request) || timeIsUp.aborted) return { charge };
      const seats = await unlessItFails('confirmSeats', confirmSeats(booking, { reclaim: false }));
      if (!seats?.ok || timeIsUp.aborted) return { charge, seats };
      const paid = inNextVersion({ ...booking, payment: { status: 'SUCCEEDED' } });
      const attempt = { id: request.attemptId, amount: request.amount, ...attemptKnowledge(charge) };
      return { charge, seats, recorded: await unlessItFails('recordConfirmed', recordConfirmed(paid, attempt)) };
    },
  };
}

/** A step that failed is the workflow's to repeat; what came before it must not be forgotten. */
async function unlessItFails<Result>(step: string, running: Promise<Result>): Promise<Result | undefined> {
  try {
    return await running;
  } catch (error) {
    log.warn('a step of a purchase failed in its first try', { step, err: error });
    return undefined;
  }
}
