import type { ShowOnSale } from './clients.ts';
import type { Random } from './random.ts';
import type { Told } from './told.ts';

/** A watcher goes to the other process after so long, or when its stream ends. */
const WATCHES_MS = [1_500, 8_000] as const;
const PAUSE_MS = 200;

/** Watches a show's live map, now at one process and now at the other, and goes on from the last version that it was shown. */
export class StreamWatcher {
  events = 0;
  readonly #apis: readonly string[];
  readonly #show: ShowOnSale;
  readonly #told: Told;
  readonly #random: Random;
  #seen = -1;
  /** As of the version seen; by seat. */
  #statuses: readonly string[] = [];

  constructor(apis: readonly string[], show: ShowOnSale, told: Told, random: Random) {
    this.#apis = apis;
    this.#show = show;
    this.#told = told;
    this.#random = random;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const until = AbortSignal.any([signal, AbortSignal.timeout(this.#random.between(...WATCHES_MS))]);
      await this.#watch(this.#random.pick(this.#apis), until).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  async #watch(api: string, signal: AbortSignal): Promise<void> {
    const headers: Record<string, string> = this.#seen < 0 ? {} : { 'last-event-id': String(this.#seen) };
    const response = await fetch(`${api}/api/v1/shows/${this.#show.id}/seats/stream`, { headers, signal });
    if (!response.ok || response.body === null) return;
    let unread = '';
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      const events = `${unread}${text}`.split('\n\n');
      unread = events.pop()!;
      for (const event of events) this.#hear(event, api);
    }
  }

  #hear(event: string, api: string): void {
    const id = /^id: ?(\d+)$/m.exec(event)?.[1];
    if (id === undefined) return;
    this.events += 1;
    const version = Number(id);
    if (version < this.#seen) {
      this.#told.break(`a watcher of show ${this.#show.id} was shown version ${this.#seen}, then ${version} by ${api}`);
    }
    this.#seen = Math.max(this.#seen, version);
    this.#statuses = after(this.#statuses, JSON.parse(/^data: ?(.+)$/m.exec(event)![1]!) as SeatMapEvent);
    this.#told.seeMap(this.#show.id, version, this.#statuses.join(''));
  }
}

type SeatMapEvent =
  { readonly statuses: string } | { readonly changes: readonly (readonly [seat: number, status: string])[] };

function after(statuses: readonly string[], event: SeatMapEvent): readonly string[] {
  if ('statuses' in event) return [...event.statuses];
  const changed = new Map(event.changes);
  return statuses.map((status, seat) => changed.get(seat) ?? status);
}
