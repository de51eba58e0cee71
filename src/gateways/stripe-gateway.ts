import type { ChargeOutcome, FoundCharge, RefundOutcome } from '../contracts/payments.ts';
import { Circuit, defaultCircuit, type CircuitEventState, type CircuitSettings } from './circuit.ts';
import type { ClosableGateway } from './payment-gateway.ts';
import { ProviderConnections } from './provider-connections.ts';
import type { ProviderReferences } from './provider-references.ts';
import { refusalReasons } from './refusal-reasons.ts';
import { StripeCharges } from './stripe-charges.ts';
import { createStripeClient } from './stripe-client.ts';
import { Deadline } from './stripe-deadline.ts';
import { ledgerPage } from './stripe-ledger.ts';
import { STRIPE } from './stripe-objects.ts';
import { StripeRefunds } from './stripe-refunds.ts';

export interface StripeGatewaySettings {
  readonly secretKey: string;
  /** `https://api.stripe.com`, or where a stand-in answers. */
  readonly apiUrl: string;
  /** Where Stripe sends a buyer back to after a redirect; it adds `payment_intent` and `redirect_status`. */
  readonly returnUrl: string;
  readonly references: ProviderReferences;
  /** Bounds finding, voiding and refunding; charging has its own per call. */
  readonly timeoutMs: number;
  readonly circuit?: CircuitSettings;
  readonly onCircuitChange?: (state: CircuitEventState) => void;
  /** Stripe does not take our secret key: an operator has to act. */
  readonly onCredentialsRefused?: (reason: string) => void;
}

/** A page of Stripe's holds a hundred objects of some kilobytes. */
const ANSWER_BYTES_MAX = 2 * 1024 * 1024;
/** Readers of the books never wait for buyers, nor they for them. */
const LEDGER_CONNECTIONS_MAX = 2;
/** Objects like these are read by the hundred, and one after the other. */
const LEDGER_TIMEOUT_MS = 20_000;

/** Unknown for reasons that say nothing against Stripe: it is at work on it, we are impatient, or our records are away. */
const notStripesFault: ReadonlySet<string> = new Set(['busy', 'slow', 'records_unavailable', 'key_reused']);

const stripesFault: ReadonlySet<string> = new Set([
  refusalReasons.unreachable,
  refusalReasons.notTakenUp,
  refusalReasons.credentialsRefused,
]);

type RefundFound = RefundOutcome | { readonly status: 'not_found' };
type Outcome = ChargeOutcome | FoundCharge | RefundFound;

/**
 * Stripe as a gateway (docs/payment-providers.md, docs/decisions/0016).
 *
 * An attempt is one payment intent, whose id is in our records before it is confirmed: whoever asks later needs no key of
 * Stripe's, which forgets them after a day. Making the intent charges nothing; of several that were made for one attempt
 * only the one on record is ever confirmed. An attempt that is voided before has a mark there instead.
 *
 * | what happened | intent not yet confirmed | confirming it | find, void, refund |
 * |---|---|---|---|
 * | open circuit, our own limit, no connection | `not_processed` | `not_processed` | `unknown` |
 * | sent, and a time-out, a lost connection, a 5xx or nonsense came back | `not_processed` | `unknown` | `unknown` |
 * | 409 or `lock_timeout`: another call is at work on it | `not_processed` | `unknown` | `unknown` |
 * | the key stands for other parameters | `unknown` | `unknown` | `unknown` |
 * | 429 | `not_processed` | `not_processed` | `unknown` |
 * | 401, 403: and an operator is told | `not_processed` | `not_processed` | `unknown` |
 * | 402, or no such payment method | | `declined` | |
 * | 4xx with the intent in another state | | as that state is | as that state is |
 * | any other 4xx | `failed` | `failed` | refund `failed`, otherwise `unknown` |
 * | our records can't be read | `unknown` | | `unknown` |
 */
export function createStripeGateway(settings: StripeGatewaySettings): ClosableGateway {
  const { timeoutMs } = settings;
  const limits = { answerBytes: ANSWER_BYTES_MAX };
  const connections = new ProviderConnections(settings.apiUrl, limits);
  const bookConnections = new ProviderConnections(settings.apiUrl, { ...limits, connections: LEDGER_CONNECTIONS_MAX });
  const stripe = createStripeClient(settings.apiUrl, settings.secretKey, connections);
  const books = createStripeClient(settings.apiUrl, settings.secretKey, bookConnections);
  const circuit = new Circuit<Outcome>(
    settings.circuit ?? defaultCircuit,
    isFault,
    settings.onCircuitChange ?? (() => undefined),
  );
  const charges = new StripeCharges(stripe, settings);
  const refunds = new StripeRefunds(stripe, settings);
  const inTime = () => new Deadline(timeoutMs);

  return {
    provider: STRIPE,

    async charge(request, chargeTimeoutMs) {
      const outcome = await circuit.start(() => charges.charge(request, new Deadline(chargeTimeoutMs)));
      return outcome ?? { status: 'not_processed', provider: STRIPE, reason: refusalReasons.circuitOpen };
    },

    findCharge: (attemptId) => circuit.ask(() => charges.find(attemptId, inTime())),

    voidCharge: (attemptId) => circuit.ask(() => charges.void(attemptId, inTime())),

    refund: (request) => circuit.ask(() => refunds.refund(request, inTime())),

    findRefund: (refundId) => circuit.ask(() => refunds.find(refundId, inTime())),

    ledger: (window, cursor) => ledgerPage(books, window, cursor, LEDGER_TIMEOUT_MS),

    close: async () => void (await Promise.all([connections.close(), bookConnections.close()])),
  };
}

/** A provider that says a clear no is well; one that can't be reached, or leaves us in doubt, is not. */
function isFault(outcome: Outcome): boolean {
  if (outcome.status === 'unknown') return !notStripesFault.has(outcome.reason);
  if (outcome.status !== 'not_processed') return false;
  return stripesFault.has(outcome.reason);
}
