import { providerCallMs } from '../contracts/payment-time-limits.ts';
import type { WebhookVerifier } from '../contracts/payments.ts';
import type { CircuitEventState } from './circuit.ts';
import { createFallbackGateway, type FallbackEvent, type FallbackGateway } from './fallback-gateway.ts';
import { createSimulatorGateway, type ClosableGateway } from './simulator-gateway.ts';
import { simulatorWebhookVerifier } from './simulator-webhook.ts';

/**
 * Every payment provider by its name, which is recorded with its payments and is the `{provider}` of the webhook route.
 * A new provider gets its gateway and its verifier here, and nowhere else.
 */
const primaryName = 'simulator';
const backupName = 'simulator-backup';

export type PaymentEvent =
  FallbackEvent | { readonly kind: 'circuit'; readonly provider: string; readonly state: CircuitEventState };

export interface PaymentGatewaysSettings {
  /** `PAYMENT_GATEWAY_URL`: where the simulated providers answer. */
  readonly gatewayUrl: string;
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

export function createPaymentGateways(settings: PaymentGatewaysSettings): PaymentGateways {
  const { gatewayUrl, timeoutMs = providerCallMs.ask, observe = () => undefined } = settings;
  const connect = (provider: string): ClosableGateway =>
    createSimulatorGateway({
      baseUrl: gatewayUrl,
      provider,
      timeoutMs,
      onCircuitChange: (state) => observe({ kind: 'circuit', provider, state }),
    });
  const primary = connect(primaryName);
  const backup = connect(backupName);
  return {
    gateway: createFallbackGateway(primary, backup, observe),
    close: async () => void (await Promise.all([primary.close(), backup.close()])),
  };
}

/** How to verify each provider's webhooks, by the `{provider}` of the route. `secret` is `PAYMENT_WEBHOOK_SECRET`. */
export const paymentWebhookVerifiers = (secret: string): ReadonlyMap<string, WebhookVerifier> =>
  new Map([primaryName, backupName].map((name) => [name, simulatorWebhookVerifier(secret, name)]));
