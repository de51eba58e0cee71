import {
  ApplicationFailure,
  CancellationScope,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  setHandler,
} from '@temporalio/workflow';
import {
  type BookingChange,
  type BookingChangeInput,
  type BookingChangeStatus,
  CHANGE_UNHEARD_FAILURE,
  changeMessages,
  type ExchangeAnswer,
} from '../src/contracts/change-messages.ts';
import type { PaymentNotification } from '../src/contracts/payments.ts';
import type { BookingStatus } from '../src/domain/booking.ts';
import { ChangeActor } from './change-actor.ts';
import { endedAs } from './status-attribute.ts';
import { letLocalActivitiesComeLast } from './steps.ts';

export const change = defineUpdate<ExchangeAnswer, [BookingChange]>(changeMessages.change);
export const refundNotification = defineSignal<[string]>(changeMessages.refundNotification);
export const paymentNotification = defineSignal<[PaymentNotification]>(changeMessages.paymentNotification);
export const status = defineQuery<BookingChangeStatus>(changeMessages.status);

/**
 * Changes of a booking that is confirmed: the one that it is started with, and those that come while its money is on its
 * way back. Lives until all refunds have ended; its result is the status that the last change left the booking with.
 * Cancelling it has no effect: what was promised is given.
 */
export async function bookingChangeWorkflow(input: BookingChangeInput): Promise<BookingStatus | null> {
  if (input.localActivitiesComeLast) letLocalActivitiesComeLast();
  const actor = new ChangeActor(input);
  setHandler(change, (next) => actor.change(next), {
    validator: (next: BookingChange) => {
      const refusal = actor.refusesToHear(next);
      if (refusal === null) return;
      throw ApplicationFailure.create({
        type: CHANGE_UNHEARD_FAILURE,
        message: 'Another change of the booking is under way',
        nonRetryable: true,
        details: [refusal],
      });
    },
  });
  setHandler(refundNotification, (refundId) => actor.refundHasEnded(refundId));
  setHandler(paymentNotification, (notice) => actor.notice(notice));
  setHandler(status, () => actor.status());

  return CancellationScope.nonCancellable(async () => {
    const ended = await actor.ended();
    if ('goesOnWith' in ended) {
      const [change = input.change, ...goesOnWith] = ended.goesOnWith;
      return continueAsNew<typeof bookingChangeWorkflow>({ ...input, change, goesOnWith });
    }
    if (ended.status !== null) endedAs(ended.status);
    await condition(allHandlersFinished);
    return ended.status;
  });
}
