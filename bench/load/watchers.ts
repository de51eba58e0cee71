import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { readEvents } from './event-stream.ts';
import { latenciesOf, type AnsweredHold, type FirstSeen, type Deliveries } from './seen-changes.ts';
import type { Stopwatch } from './stopwatch.ts';

/** Clients that watch the live maps of shows, as many of each; they watch until the parent names the holds to look for. */
export interface WatchersJob {
  readonly kind: 'watchers';
  readonly origin: string;
  readonly shows: readonly string[];
  readonly watchers: number;
  /** Of this machine, taken in turn: one address has some 28,000 ports for connections to one other. */
  readonly localAddresses: readonly string[];
}

export interface WatchersOutcome {
  /** Per hold and watcher of its show: from the hold's answer to the change's arrival, ms; below 0 where it came before. */
  readonly latenciesMs: Float64Array;
  /** Changes that some watcher never saw. */
  readonly unseen: number;
  /** Connections that ended before they were to. */
  readonly lost: number;
  readonly messages: number;
}

/** Connections that are being opened at once: a backlog is 511. */
const OPENED_AT_ONCE = 200;
const READ_BYTES = 64 * 1_024;
const END_OF_HEAD = '\r\n\r\n';

interface Watcher {
  readonly show: number;
  unread: Buffer;
  isPastHead: boolean;
  readonly seen: Deliveries;
}

/** @param holds resolves when it is time to look: what was held meanwhile */
export async function watchers(
  job: WatchersJob,
  stopwatch: Stopwatch,
  holds: Promise<readonly AnsweredHold[]>,
): Promise<WatchersOutcome> {
  const audience = new WatchingClients(job);
  await audience.open();
  stopwatch.set(0);
  const toFind = await holds;
  stopwatch.stop();
  const outcome = audience.outcome(toFind);
  audience.close();
  return outcome;
}

class WatchingClients {
  readonly #job: WatchersJob;
  readonly #watchers: Watcher[] = [];
  readonly #sockets: Socket[] = [];
  /** Per show: at which version which seats were first told to be held. */
  readonly #firstSeen: FirstSeen[];
  readonly #knownVersions: Set<number>[];
  #lost = 0;
  #messages = 0;

  constructor(job: WatchersJob) {
    this.#job = job;
    this.#firstSeen = job.shows.map(() => new Map<number, number>());
    this.#knownVersions = job.shows.map(() => new Set<number>());
  }

  /** Resolves when each of them has its first snapshot. */
  async open(): Promise<void> {
    const { watchers: count } = this.#job;
    for (let from = 0; from < count; from += OPENED_AT_ONCE) {
      const next = Array.from({ length: Math.min(OPENED_AT_ONCE, count - from) }, (_, index) =>
        this.#watch(from + index),
      );
      await Promise.all(next);
    }
    // Changes of the last ones' joining are none to wait for.
    await delay(500);
  }

  outcome(holds: readonly AnsweredHold[]): WatchersOutcome {
    const seen = this.#job.shows.map((_, show) => this.#watchers.filter((watcher) => watcher.show === show));
    const found = holds.map((hold) => {
      const show = this.#job.shows.indexOf(hold.showId);
      return latenciesOf(
        hold,
        this.#firstSeen[show]!,
        seen[show]!.map((watcher) => watcher.seen),
      );
    });
    return {
      latenciesMs: Float64Array.from(found.flatMap(({ latenciesMs }) => latenciesMs)),
      unseen: found.reduce((sum, { unseen }) => sum + unseen, 0),
      lost: this.#lost,
      messages: this.#messages,
    };
  }

  close(): void {
    for (const socket of this.#sockets) socket.removeAllListeners('close').destroy();
  }

  #watch(number: number): Promise<void> {
    const { origin, shows, localAddresses } = this.#job;
    const show = number % shows.length;
    const watcher: Watcher = { show, unread: Buffer.alloc(0), isPastHead: false, seen: { versions: [], atMs: [] } };
    const { hostname, port, host } = new URL(origin);
    return new Promise((resolve, reject) => {
      const onread = {
        // All watchers read into the same bytes, one after the other.
        buffer: sharedBytes,
        callback: (length: number, bytes: Uint8Array) => {
          try {
            this.#read(watcher, Buffer.from(bytes.buffer, bytes.byteOffset, length));
            if (watcher.seen.versions.length > 0) resolve();
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
          return true;
        },
      };
      const localAddress = localAddresses[number % localAddresses.length];
      const socket = connect({ host: hostname, port: Number(port), localAddress, onread });
      socket.on('error', reject);
      socket.on('close', () => {
        this.#lost += 1;
        reject(new Error('a stream ended at its beginning'));
      });
      socket.write(
        `GET /api/v1/shows/${shows[show]!}/seats/stream HTTP/1.1\r\nHost: ${host}\r\nAccept: text/event-stream\r\n\r\n`,
      );
      this.#sockets.push(socket);
      this.#watchers.push(watcher);
    });
  }

  #read(watcher: Watcher, arrived: Buffer): void {
    const atMs = performance.timeOrigin + performance.now();
    let bytes = watcher.unread.length === 0 ? arrived : Buffer.concat([watcher.unread, arrived]);
    if (!watcher.isPastHead) {
      const headEnd = bytes.indexOf(END_OF_HEAD);
      if (headEnd === -1) return void (watcher.unread = Buffer.from(bytes));
      if (!bytes.toString('latin1', 0, headEnd).startsWith('HTTP/1.1 200')) {
        throw new Error(`a stream was answered ${bytes.toString('latin1', 0, headEnd)}`);
      }
      watcher.isPastHead = true;
      bytes = bytes.subarray(headEnd + END_OF_HEAD.length);
    }
    const whole = bytes;
    const read = readEvents(whole, ({ version, dataStart, dataEnd, isSnapshot }) => {
      this.#messages += 1;
      watcher.seen.versions.push(version);
      watcher.seen.atMs.push(atMs);
      if (!isSnapshot) this.#note(watcher.show, version, whole, dataStart, dataEnd);
    });
    watcher.unread = read === whole.length ? nothing : Buffer.from(whole.subarray(read));
  }

  /** What a version brings is read once; the same version tells those who were further behind more, and nothing else. */
  #note(show: number, version: number, bytes: Buffer, dataStart: number, dataEnd: number): void {
    if (this.#knownVersions[show]!.has(version)) return;
    this.#knownVersions[show]!.add(version);
    const { changes } = JSON.parse(bytes.toString('utf8', dataStart, dataEnd)) as { changes: [number, string][] };
    for (const [seat, status] of changes) {
      const known = this.#firstSeen[show]!.get(seat) ?? Infinity;
      if (status !== 'a') this.#firstSeen[show]!.set(seat, Math.min(known, version));
    }
  }
}

const nothing: Buffer = Buffer.alloc(0);
const sharedBytes = Buffer.alloc(READ_BYTES);
