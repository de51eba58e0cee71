import { setTimeout as delay } from 'node:timers/promises';
import type { ApiDoor } from './api-call.ts';

const TRIES = 20;
const AGAIN_AFTER_MS = 250;

/** Access tokens of so many new buyers. */
export async function guestTokens(door: ApiDoor, count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, (_, number) => guestToken(door, number)));
}

async function guestToken(door: ApiDoor, number: number): Promise<string> {
  for (let tries = 1; ; tries++) {
    const answer = await door.call('POST', '/auth/guest', { body: { email: `buyer-${number}@example.org` } });
    if (answer.status === 201) return String(answer.body.accessToken);
    if (tries === TRIES) throw new Error(`nobody can become a guest: ${JSON.stringify(answer)}`);
    await delay(AGAIN_AFTER_MS);
  }
}
