import { MessageRefusedError, type ShortMessageGateway } from './mail.ts';

const TIMEOUT_MS = 5_000;

/**
 * Hands short messages over to whoever carries them: `POST` of `{id, to, text}` as JSON to one address. 2xx: taken over; 4xx
 * other than 408, 425 and 429: refused for good; anything else is tried again.
 */
export const createShortMessageGateway = (url: string): ShortMessageGateway => ({
  async send(message, signal) {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(message),
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    await response.body?.cancel();
    if (response.ok) return;
    const { status } = response;
    const reason = `the carrier answered ${status}`;
    throw status >= 400 && status < 500 && !mayChange.has(status) ? new MessageRefusedError(reason) : new Error(reason);
  },
});

/** Time-outs and "later": the same message may be taken the next time. */
const mayChange: ReadonlySet<number> = new Set([408, 425, 429]);
