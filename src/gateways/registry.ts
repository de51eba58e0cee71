import type { WebhookVerifier } from '../contracts/payments.ts';
import type { CircuitEventState } from './circuit.ts';
import { createFallbackGateway, type FallbackEvent } from './fallback-gateway.ts';
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

export interface PaymentGatewaySettings {
  /** `PAYMENT_GATEWAY_URL`: where the simulated providers answer. */
  readonly baseUrl: string;
  /** Bounds finding, voiding and refunding at one provider. */
  readonly timeoutMs?: number;
  /** What an operator wants to count and be told of. */
  readonly observe?: (event: PaymentEvent) => void;
}

/** Asking for a charge is a look into the provider's books; one that takes longer is not well. */
const ASK_TIMEOUT_MS = 3_000;

/** The providers as one gateway: the first, and the backup for what the first has certainly not processed. */
export function createPaymentGateway(settings: PaymentGatewaySettings): ClosableGateway {
  const { baseUrl, timeoutMs = ASK_TIMEOUT_MS, observe = () => undefined } = settings;
  const connect = (provider: string): ClosableGateway =>
    createSimulatorGateway({
      baseUrl,
      provider,
      timeoutMs,
      onCircuitChange: (state) => observe({ kind: 'circuit', provider, state }),
    });
  const primary = connect(primaryName);
  const backup = connect(backupName);
  return {
    ...createFallbackGateway(primary, backup, observe),
    close: async () => void (await Promise.all([primary.close(), backup.close()])),
  };
}

/** How to verify each provider's webhooks, by the `{provider}` of the route. `secret` is `PAYMENT_WEBHOOK_SECRET`. */
export const paymentWebhookVerifiers = (secret: string): ReadonlyMap<string, WebhookVerifier> =>
  new Map([primaryName, backupName].map((name) => [name, simulatorWebhookVerifier(secret, name)]));
