import { log } from '@temporalio/activity';
import { activityMs } from '../src/contracts/payment-time-limits.ts';
import type { ChargeOutcome, PaymentNotification } from '../src/contracts/payments.ts';
import type { WorkflowClient } from '../src/contracts/workflow-client.ts';
import { isSameMoney } from '../src/domain/money.ts';
import type { PaymentGateway } from '../src/gateways/payment-gateway.ts';
import { findBookings } from '../src/read-model/bookings.ts';
import type { ReadModel } from '../src/read-model/database.ts';
import {
  findAttemptsWithoutOutcome,
  findPayment,
  markPaymentSwept,
  type Payment,
  recordPayments,
  refuseUnsentPayment,
} from '../src/read-model/payments.ts';
import { queuedAtMs } from './server-clock.ts';

/** A younger attempt is most likely in good hands: its booking's workflow is charging it. */
const LEFT_ALONE_MS = 15_000;
/** After the payment's deadline and this long, an attempt that no provider has heard of, or no buyer approved, is voided. */
const VOID_AFTER_DEADLINE_MS = 30_000;
/** One sweep stays below its activity's time-out; the next one goes on with the rest. */
const ATTEMPTS_PER_SWEEP_MAX = 200;
const PROVIDER_CALLS_AT_ONCE = 8;
/**
 * Then no further attempt is begun. One takes up to six seconds of a provider, and up to twenty-two of a booking's workflow
 * that no worker answers for.
 */
const BEGUN_WITHIN_MS = activityMs.sweep / 2;

export interface SweepActivityDeps {
  readonly db: ReadModel;
  readonly gateway: PaymentGateway;
  readonly workflows: Pick<WorkflowClient, 'notifyPayment'>;
  readonly paymentDeadlineMs: number;
}

export type SweepActivities = ReturnType<typeof createSweepActivities>;

/**
 * Payment attempts that were made durable but whose outcome nobody came back with: the provider is asked by their key,
 * and what it knows goes the way of its own notices.
 */
export function createSweepActivities({ db, gateway, workflows, paymentDeadlineMs }: SweepActivityDeps) {
  async function sweep(attempt: Payment): Promise<boolean> {
    await markPaymentSwept(db, attempt.id);
    const found = await gateway.findCharge(attempt.id);
    const overdue = queuedAtMs() - attempt.createdAtMs > paymentDeadlineMs + VOID_AFTER_DEADLINE_MS;
    const isAwaited = found.status === 'not_found' || found.status === 'pending';
    const outcome = isAwaited && overdue ? await gateway.voidCharge(attempt.id) : found;
    switch (outcome.status) {
      case 'succeeded':
      case 'declined':
        await tell(attempt, outcome);
        return true;
      case 'not_processed':
      case 'failed':
        await recordPayments(db, [failed(attempt, outcome)]);
        return true;
      case 'unknown':
        return overdue && endsUnsent(attempt);
      case 'pending':
      case 'not_found':
        return false;
    }
  }

  /** No provider answers, but neither has any been asked: from now on none will be. */
  const endsUnsent = ({ id }: Payment): Promise<boolean> =>
    refuseUnsentPayment(db, { attemptId: id, reason: 'never_sent', atMs: Date.now() });

  async function tell(attempt: Payment, outcome: ChargeOutcome & { status: 'succeeded' | 'declined' }): Promise<void> {
    const [booking] = await findBookings(db, [attempt.bookingId]);
    if (!booking) throw new Error(`attempt ${attempt.id} has no booking`);
    const { bookingId, amount } = (outcome.status === 'succeeded' && outcome.captured) || attempt;
    const notice: PaymentNotification = {
      // Told once of each state of the booking: one that ended while it was told may have had no ear for it any more.
      eventId: `sweep-${attempt.id}-${booking.version}`,
      provider: outcome.provider,
      bookingId: attempt.bookingId,
      attemptId: attempt.id,
      amount,
      matchesRecord: bookingId === attempt.bookingId && isSameMoney(amount, attempt.amount),
      atMs: Date.now(),
      outcome: outcome.status === 'succeeded' ? 'succeeded' : 'failed',
      providerReference: outcome.providerReference,
      ...(outcome.status === 'declined' && { reason: outcome.reason }),
    };
    await workflows.notifyPayment(notice, booking);
    if (outcome.status === 'declined') await recordPayments(db, [failed(attempt, outcome)]);
  }

  return {
    /** Looks at one attempt that has no outcome, whoever asks for it; true once it has one. */
    async sweepAttempt(attemptId: string): Promise<boolean> {
      const attempt = await findPayment(db, attemptId);
      if (attempt === null || (attempt.status !== 'PENDING' && attempt.status !== 'UNKNOWN')) return false;
      return sweep(attempt);
    },

    /** Resolves what can be resolved now; returns how many attempts it looked at and how many it resolved. */
    async sweepPaymentAttempts(): Promise<{ seen: number; resolved: number }> {
      const createdBeforeMs = queuedAtMs() - LEFT_ALONE_MS;
      const untilMs = Date.now() + BEGUN_WITHIN_MS;
      const attempts = await findAttemptsWithoutOutcome(db, { createdBeforeMs, limit: ATTEMPTS_PER_SWEEP_MAX });
      let resolved = 0;
      const queue = attempts.values();
      const lane = async () => {
        for (const attempt of queue) {
          if (Date.now() > untilMs) return;
          try {
            if (await sweep(attempt)) resolved += 1;
          } catch (error) {
            log.warn('an attempt could not be swept', { attemptId: attempt.id, error });
          }
        }
      };
      await Promise.all(Array.from({ length: PROVIDER_CALLS_AT_ONCE }, lane));
      return { seen: attempts.length, resolved };
    },
  };
}

function failed(attempt: Payment, outcome: ChargeOutcome & { readonly reason: string }): Payment {
  const status = outcome.status === 'declined' ? 'DECLINED' : 'FAILED';
  return { ...attempt, status, provider: outcome.provider, failureReason: outcome.reason, updatedAtMs: Date.now() };
}
