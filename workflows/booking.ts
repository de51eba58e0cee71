import {
  ApplicationFailure,
  CancellationScope,
  allHandlersFinished,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  setHandler,
} from '@temporalio/workflow';
import {
  bookingMessages,
  type BookingAnswer,
  type BookingStatusView,
  type BookingWorkflowInput,
  type ChangeSeatsCommand,
  type PayAnswer,
  HEARD_ENOUGH_FAILURE,
  type PayCommand,
} from '../src/contracts/booking-messages.ts';
import type { PaymentNotification } from '../src/contracts/payments.ts';
import type { BookingStatus } from '../src/domain/booking.ts';
import { BookingActor } from './booking-actor.ts';
import { endedAs } from './status-attribute.ts';
import { letLocalActivitiesComeLast } from './steps.ts';

export const pay = defineUpdate<PayAnswer, [PayCommand]>(bookingMessages.pay);
export const extend = defineUpdate<BookingAnswer>(bookingMessages.extend);
export const release = defineUpdate<BookingAnswer>(bookingMessages.release);
export const changeSeats = defineUpdate<BookingAnswer, [ChangeSeatsCommand]>(bookingMessages.changeSeats);
/** A provider's notice comes by update or by signal: the one ends a start delay, the other needs no worker. */
export const paymentNotice = defineUpdate<void, [PaymentNotification]>(bookingMessages.paymentNotification);
export const paymentNotification = defineSignal<[PaymentNotification]>(bookingMessages.paymentNotification);
export const status = defineQuery<BookingStatusView>(bookingMessages.status);

/** Lives as long as the purchase; its result is the status the booking ended with. */
export async function bookingWorkflow(input: BookingWorkflowInput): Promise<BookingStatus> {
  if (input.localActivitiesComeLast) letLocalActivitiesComeLast();
  const actor = new BookingActor(input);
  const hearsPayment = (_command: PayCommand) => unlessRefused(actor.refusesToHearPayment());
  const hearsChange = (_command?: ChangeSeatsCommand) => unlessRefused(actor.refusesToHearChange());
  setHandler(pay, (command) => actor.pay(command), { validator: hearsPayment });
  setHandler(extend, () => actor.extend(), { validator: hearsChange });
  setHandler(release, () => actor.release());
  setHandler(changeSeats, (command) => actor.changeSeats(command), { validator: hearsChange });
  setHandler(paymentNotice, (notice) => actor.notice(notice));
  setHandler(paymentNotification, (notice) => actor.notice(notice));
  setHandler(status, () => actor.status());
  CancellationScope.current().cancelRequested.catch(() => actor.cancel());

  return CancellationScope.nonCancellable(async () => {
    const ending = await actor.run();
    endedAs(ending);
    await condition(allHandlersFinished);
    return ending;
  });
}

function unlessRefused(answer: BookingAnswer | PayAnswer | null): void {
  if (answer === null) return;
  throw ApplicationFailure.create({
    type: HEARD_ENOUGH_FAILURE,
    message: 'The booking has heard as many commands as it may',
    nonRetryable: true,
    details: [answer],
  });
}
