import type { PaymentBody } from '../../contracts/http/bookings.ts';
import { endpoints } from '../../contracts/http/endpoints.ts';
import { isoTime } from '../../contracts/http/primitives.ts';
import { OutcomeUnknownError } from '../../contracts/workflow-client.ts';
import type { ReadModel } from '../../read-model/database.ts';
import { findPaymentsOfBooking, type Payment, type Refund } from '../../read-model/payments.ts';
import type { SeatsSeenTaken } from '../bookings/seats-seen-taken.ts';
import type { Batches } from '../batches.ts';
import { ownBooking } from '../bookings/own-booking.ts';
import { type Answer, ok } from '../http/answer.ts';
import { ApiError } from '../http/api-error.ts';
import { toApiError } from '../http/problem.ts';
import { route, type Route } from '../http/route.ts';
import type { AnswerMemory } from '../idempotency/answer-memory.ts';
import type { PaymentDesk } from './payment-desk.ts';

export const paymentRoutes = (
  db: ReadModel,
  batches: Batches,
  memory: AnswerMemory,
  desk: PaymentDesk,
  seen: SeatsSeenTaken,
): readonly Route[] => [
  route(endpoints.payBooking, (call) =>
    unlessCertain(async () => {
      const booking = await ownBooking(batches, call.caller, call.params.id);
      return memory.once(call, (key) => desk.pay(booking, key!, call.body)).finally(() => seen.forget(booking));
    }),
  ),

  route(endpoints.getPayment, async ({ caller, params }) => {
    const [booking, payments] = await Promise.all([
      ownBooking(batches, caller, params.id),
      findPaymentsOfBooking(db, params.id),
    ]);
    return ok(paymentBody(booking.payment, payments));
  }),
];

/**
 * 503 says that nothing was charged. Without the records nobody knows: this request or an earlier one with its key may have
 * been.
 */
async function unlessCertain(pay: () => Promise<Answer>): Promise<Answer> {
  try {
    return await pay();
  } catch (error) {
    const isCertain = error instanceof ApiError || toApiError(error).code !== 'UNAVAILABLE';
    if (isCertain) throw error;
    throw new OutcomeUnknownError('what became of the payment cannot be looked up', { cause: error });
  }
}

function paymentBody(
  state: { readonly status: Payment['status'] } | null,
  { attempts, refunds }: { readonly attempts: readonly Payment[]; readonly refunds: readonly Refund[] },
): PaymentBody {
  const last = attempts.at(-1);
  return {
    status: state?.status ?? last?.status ?? null,
    provider: attempts.findLast((each) => each.provider !== null)?.provider ?? null,
    attempts: attempts.map((attempt) => ({
      id: attempt.id,
      status: attempt.status,
      method: attempt.method,
      amount: attempt.amount,
      providerReference: attempt.providerReference,
      failureReason: attempt.failureReason,
      at: isoTime(attempt.createdAtMs),
    })),
    refunds: refunds.map(({ id, status, amount, createdAtMs }) => ({ id, status, amount, at: isoTime(createdAtMs) })),
  };
}
