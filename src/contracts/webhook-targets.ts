import type { WebhookTest } from './http/outbox.ts';

/** Addresses that partners name, as far as the API has to do with them. */
export interface WebhookTargets {
  /** Why nothing is ever sent there, as a sentence's end (`is not …`); null: it may be. What a name leads to is seen when it is used. */
  faultOf(url: string): string | null;
  /** Sends a message of type `webhook.test`. */
  test(endpoint: { readonly url: string; readonly secret: string }): Promise<WebhookTest>;
}
