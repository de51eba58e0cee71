import { setTimeout as delay } from 'node:timers/promises';
import type { ApiDoor } from './api-call.ts';
import type { ShowOnSale } from './clients.ts';
import type { Random } from './random.ts';
import type { Told } from './told.ts';

const PAUSE_MS = [20, 200] as const;
const TIMEOUT_MS = 3_000;

/** Looks at seat maps, now at one process and now at the other, and remembers what it has seen. */
export class MapReader {
  reads = 0;
  readonly #doors: readonly ApiDoor[];
  readonly #shows: readonly ShowOnSale[];
  readonly #told: Told;
  readonly #random: Random;
  readonly #seen = new Map<string, { readonly version: number; readonly etag: string }>();

  constructor(doors: readonly ApiDoor[], shows: readonly ShowOnSale[], told: Told, random: Random) {
    this.#doors = doors;
    this.#shows = shows;
    this.#told = told;
    this.#random = random;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#look(this.#random.pick(this.#shows).id, this.#random.pick(this.#doors));
      await delay(this.#random.between(...PAUSE_MS));
    }
  }

  async #look(showId: string, door: ApiDoor): Promise<void> {
    const before = this.#seen.get(showId);
    const headers = before && { 'if-none-match': before.etag };
    const answer = await door.call('GET', `/shows/${showId}/seats`, { headers, timeoutMs: TIMEOUT_MS });
    if (answer.status !== 200 || answer.etag === null) return;
    this.reads += 1;
    const { version, statuses } = answer.body as { readonly version: number; readonly statuses: string };
    this.#seen.set(showId, { version, etag: answer.etag });
    this.#told.seeMap(showId, version, statuses);
    if (before !== undefined && version < before.version) {
      this.#told.break(`a reader of show ${showId} saw version ${before.version}, then ${version} at ${door.url}`);
    }
  }
}
