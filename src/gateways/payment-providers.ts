import { providerCallMs } from '../contracts/payment-time-limits.ts';
import type { WebhookVerifier } from '../contracts/payments.ts';
import type { CircuitEventState } from './circuit.ts';
import { createFallbackGateway, type FallbackEvent, type FallbackGateway } from './fallback-gateway.ts';
import type { ClosableGateway } from './payment-gateway.ts';
import type { ProviderReferences } from './provider-references.ts';
import { createSimulatorGateway } from './simulator-gateway.ts';
import { simulatorWebhookVerifier } from './simulator-webhook.ts';
import { createStripeGateway } from './stripe-gateway.ts';
import { stripeWebhookVerifier } from './stripe-webhook.ts';

/**
 * Every payment provider by its name, which is recorded with its payments and is the `{provider}` of the webhook route.
 * A new provider gets its gateway and its verifier here, and its name in `PAYMENT_PROVIDERS`.
 */
export const providerNames = ['simulator', 'simulator-backup', 'stripe'] as const;
export type ProviderName = (typeof providerNames)[number];

export type PaymentEvent =
  | FallbackEvent
  | { readonly kind: 'circuit'; readonly provider: string; readonly state: CircuitEventState }
  /** The provider does not take our credentials: an operator has to act. */
  | { readonly kind: 'credentials_refused'; readonly provider: string; readonly reason: string };

/** The first is charged, the second when the first has certainly not; `retired` ones are only asked and refunded. */
export interface ProviderChoice {
  readonly active: readonly ProviderName[];
  readonly retired: readonly ProviderName[];
}

export const simulatorsOnly: ProviderChoice = { active: ['simulator', 'simulator-backup'], retired: [] };

export interface StripeAccount {
  readonly secretKey: string;
  readonly apiUrl: string;
  readonly returnUrl: string;
  readonly references: ProviderReferences;
}

export interface PaymentGatewaysSettings {
  readonly providers?: ProviderChoice;
  /** `PAYMENT_GATEWAY_URL`: where the simulated providers answer; there if one of them is chosen. */
  readonly gatewayUrl?: string;
  /** There if Stripe is chosen. */
  readonly stripe?: StripeAccount;
  /** Bounds finding, voiding and refunding at one provider. */
  readonly timeoutMs?: number;
  /** What an operator wants to count and be told of. */
  readonly observe?: (event: PaymentEvent) => void;
}

export interface PaymentGateways {
  /** The providers as one: the first, and the backup for what the first has certainly not processed. */
  readonly gateway: FallbackGateway;
  /** Closes the connections; calls under way end `unknown`. */
  close(): Promise<void>;
}

/** @throws Error for a provider without its settings, and for none at all */
export function createPaymentGateways(settings: PaymentGatewaysSettings): PaymentGateways {
  const { providers = simulatorsOnly, observe = () => undefined } = settings;
  const connect = (name: ProviderName) => connectTo(name, settings, observe);
  const [primary, backup = null] = providers.active.map(connect);
  if (!primary) throw new Error('there is no payment provider');
  const retired = providers.retired.map(connect);
  const all = [primary, ...(backup ? [backup] : []), ...retired];
  return {
    gateway: createFallbackGateway({ primary, backup, retired }, observe),
    close: async () => void (await Promise.all(all.map((each) => each.close()))),
  };
}

function connectTo(
  provider: ProviderName,
  { gatewayUrl, stripe, timeoutMs = providerCallMs.ask }: PaymentGatewaysSettings,
  observe: (event: PaymentEvent) => void,
): ClosableGateway {
  const onCircuitChange = (state: CircuitEventState) => observe({ kind: 'circuit', provider, state });
  if (provider === 'stripe') {
    if (!stripe) throw new Error('Stripe has no settings');
    const onCredentialsRefused = (reason: string) => observe({ kind: 'credentials_refused', provider, reason });
    return createStripeGateway({ ...stripe, timeoutMs, onCircuitChange, onCredentialsRefused });
  }
  if (gatewayUrl === undefined) throw new Error('the simulated providers have no address');
  return createSimulatorGateway({ baseUrl: gatewayUrl, provider, timeoutMs, onCircuitChange });
}

export interface WebhookSecrets {
  /** `PAYMENT_WEBHOOK_SECRET`, of the simulated providers. */
  readonly simulator: string;
  /** `STRIPE_WEBHOOK_SECRET`; there if Stripe is chosen. */
  readonly stripe?: string;
}

/** How to verify each provider's webhooks, by the `{provider}` of the route. Nobody else's are listened to. */
export const paymentWebhookVerifiers = (
  secrets: WebhookSecrets,
  { active, retired }: ProviderChoice = simulatorsOnly,
): ReadonlyMap<string, WebhookVerifier> =>
  new Map([...active, ...retired].map((name) => [name, verifierOf(name, secrets)]));

function verifierOf(name: ProviderName, secrets: WebhookSecrets): WebhookVerifier {
  if (name !== 'stripe') return simulatorWebhookVerifier(secrets.simulator, name);
  if (secrets.stripe === undefined) throw new Error("Stripe's webhooks have no secret");
  return stripeWebhookVerifier(secrets.stripe);
}
