import { once } from 'node:events';
import { get, type ClientRequest, type IncomingMessage } from 'node:http';
import type { SeatMapBody, SeatMapChangeBody } from '../../src/contracts/http/seats.ts';
import { seatMapChangeSchema, seatMapSchema } from '../../src/contracts/http/seats.ts';

export type StreamedEvent =
  | { readonly event: 'snapshot'; readonly id: number; readonly map: SeatMapBody }
  | { readonly event: 'change'; readonly id: number; readonly change: SeatMapChangeBody };

export interface WatchOptions {
  readonly lastEventId?: string | number;
  /** Address of the client, as a proxy says it. */
  readonly from?: string;
}

/** A watcher who reads the bytes of a show's stream, and takes only what the contract says. */
export class EventStream {
  readonly events: StreamedEvent[] = [];
  readonly comments: string[] = [];
  /** The map as it is after all events so far; empty before the first snapshot. */
  statuses = '';
  version = -1;
  readonly #request: ClientRequest;
  readonly response: IncomingMessage;
  #rest = '';
  #onEvent: (() => void) | null = null;
  isEnded = false;

  constructor(request: ClientRequest, response: IncomingMessage) {
    this.#request = request;
    this.response = response;
    response.setEncoding('utf8');
    response.on('data', (text: string) => this.#read(text));
    const end = (): void => {
      this.isEnded = true;
      this.#onEvent?.();
    };
    response.on('close', end).on('error', end);
    request.on('error', end);
  }

  static async open(apiUrl: string, showId: string, { lastEventId, from }: WatchOptions = {}): Promise<EventStream> {
    const headers = {
      ...(lastEventId !== undefined && { 'Last-Event-ID': String(lastEventId) }),
      ...(from !== undefined && { 'X-Forwarded-For': from }),
    };
    const request = get(`${apiUrl}/api/v1/shows/${showId}/seats/stream`, { headers, agent: false });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return new EventStream(request, response);
  }

  /** Resolves when what has come so far, or will, is as wanted; the test's own time limit ends it otherwise. */
  async until(isWanted: (stream: this) => boolean): Promise<void> {
    while (!isWanted(this)) {
      if (this.isEnded) throw new Error(`the stream has ended after ${JSON.stringify(this.events)}`);
      await new Promise<void>((resolve) => (this.#onEvent = resolve));
    }
  }

  async untilEnded(): Promise<void> {
    while (!this.isEnded) await new Promise<void>((resolve) => (this.#onEvent = resolve));
  }

  close(): void {
    this.#request.destroy();
  }

  #read(text: string): void {
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop()!;
    for (const block of blocks) this.#take(block);
    this.#onEvent?.();
  }

  #take(block: string): void {
    if (block.startsWith(':')) this.comments.push(block);
    if (block.startsWith(':') || block.startsWith('retry:')) return;
    const match = /^event: (snapshot|change)\nid: (\d+)\ndata: (.*)$/.exec(block);
    if (!match) throw new Error(`not an event: ${block}`);
    const [id, data] = [Number(match[2]), JSON.parse(match[3]!) as unknown];
    const event: StreamedEvent =
      match[1] === 'snapshot'
        ? { event: 'snapshot', id, map: seatMapSchema.strict().parse(data) }
        : { event: 'change', id, change: seatMapChangeSchema.strict().parse(data) };
    this.events.push(event);
    expect(id).toBeGreaterThan(this.version);
    this.version = id;
    if (event.event === 'snapshot') this.statuses = event.map.statuses;
    else if (this.statuses !== '') this.statuses = changed(this.statuses, event.change);
  }
}

export function changed(statuses: string, { changes }: SeatMapChangeBody): string {
  const seats = [...statuses];
  for (const [seat, status] of changes) {
    expect(seat).toBeLessThan(seats.length);
    seats[seat] = status;
  }
  return seats.join('');
}
