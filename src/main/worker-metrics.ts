import { Counter, Gauge, type Registry } from 'prom-client';
import type { Logger } from '../platform/logger.ts';
import { seatCommandMetrics } from '../platform/metrics.ts';
import type { PaymentEvent } from '../gateways/payment-providers.ts';
import type { Activities } from './worker-process.ts';

const CIRCUIT_STATES = { closed: 0, half_open: 1, open: 2 } as const;

const sentenceOf = (event: Extract<PaymentEvent, { kind: 'fallback' | 'circuit' }>): string =>
  event.kind === 'fallback'
    ? `the first payment provider did not process a charge (${event.reason}): the second one is asked`
    : `payment provider ${event.provider}: its circuit is ${event.state.replace('_', ' ')}`;

/** What a worker counts. What an operator must see at once is a log line with `alert` besides. */
export function createWorkerMetrics(registry: Registry, log: Logger) {
  const { charges, compensations, secondLine, sweepSeen, sweepResolved, ...ofProviders } = metersIn(registry);

  return {
    seatCommandBatch: seatCommandMetrics(registry),

    paymentEvent: (event: PaymentEvent): void => {
      if (event.kind === 'charged_twice') {
        ofProviders.chargedTwice.inc();
        log.error({ alert: event.kind, event }, 'two payment providers have captured one attempt');
        return;
      }
      if (event.kind === 'credentials_refused') {
        log.error({ alert: event.kind, event }, `payment provider ${event.provider} does not take our credentials`);
        return;
      }
      if (event.kind === 'fallback') ofProviders.fallbacks.inc();
      else ofProviders.circuits.set({ provider: event.provider }, CIRCUIT_STATES[event.state]);
      log.warn({ event }, sentenceOf(event));
    },

    /** The same activities; each that is worth a number counts what it has ended with. */
    counting: (activities: Activities): Activities => ({
      ...activities,
      chargePayment: (...args) =>
        counted(activities.chargePayment(...args), ({ status }) => charges.inc({ outcome: status })),
      resolveCharge: (...args) =>
        counted(activities.resolveCharge(...args), ({ status }) => charges.inc({ outcome: status })),
      voidCharge: (...args) => counted(activities.voidCharge(...args), () => compensations.inc({ step: 'void' })),
      refundPayment: (...args) =>
        counted(activities.refundPayment(...args), () => compensations.inc({ step: 'refund' })),
      returnSeats: (...args) =>
        counted(activities.returnSeats(...args), () => compensations.inc({ step: 'return_seats' })),
      recordConfirmed: (...args) =>
        counted(activities.recordConfirmed(...args), ({ kind }) => {
          if (kind === 'seat_taken') secondLine.inc();
        }),
      sweepPaymentAttempts: (...args) =>
        counted(activities.sweepPaymentAttempts(...args), ({ seen, resolved }) => {
          sweepSeen.inc(seen);
          sweepResolved.inc(resolved);
        }),
    }),
  };
}

async function counted<Result>(running: Promise<Result>, count: (result: Result) => void): Promise<Result> {
  const result = await running;
  count(result);
  return result;
}

function metersIn(registry: Registry) {
  const counter = <Label extends string = never>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Counter({ name: `seatkeeper_${name}_total`, help, labelNames, registers: [registry] });
  return {
    charges: counter('charges', 'Charges by outcome; one that was unknown counts again once it is known', ['outcome']),
    compensations: counter('compensations', 'Steps of a booking that were undone', ['step']),
    secondLine: counter('second_line_fired', 'Seats that would have been sold twice; must stay 0'),
    chargedTwice: counter('charged_twice', 'Payment attempts that two providers have captured; must stay 0'),
    fallbacks: counter('payment_fallbacks', 'Charges that the first provider refused and the backup was asked for'),
    sweepSeen: counter('payment_sweep_seen', 'Payment attempts without an outcome that a sweep has looked at'),
    sweepResolved: counter('payment_sweep_resolved', 'Payment attempts whose outcome a sweep has found'),
    circuits: new Gauge({
      name: 'seatkeeper_payment_circuit_state',
      help: 'Circuit in front of a payment provider since it first changed: 0 closed, 1 half open, 2 open',
      labelNames: ['provider'],
      registers: [registry],
    }),
  };
}
