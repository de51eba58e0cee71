import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { Pool } from 'undici';
import type { ConfirmedBooking, PeerName } from './peer.ts';

const CONNECTIONS_MAX = 256;
const ANSWER_TIMEOUT_MS = 30_000;
/** As our API runs (src/main/own-processes.ts). */
const nodeFlags = ['--no-warnings', '--single-threaded-gc', '--max-semi-space-size=16'];
const peerProcess = fileURLToPath(new URL('peer-process.ts', import.meta.url));

export interface PeerAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly ms: number;
}

/** A peer in processes of its own, and HTTP as its buyers speak it. */
export class RunningPeer {
  readonly name: PeerName;
  readonly pid: number;
  readonly origin: string;
  readonly #child: ChildProcess;
  readonly #pool: Pool;

  private constructor(name: PeerName, child: ChildProcess, url: string) {
    this.name = name;
    this.pid = child.pid!;
    this.origin = url;
    this.#child = child;
    this.#pool = new Pool(url, {
      connections: CONNECTIONS_MAX,
      headersTimeout: ANSWER_TIMEOUT_MS,
      bodyTimeout: ANSWER_TIMEOUT_MS,
    });
  }

  /** A data folder that an earlier start has left is gone on with. */
  static async start(name: PeerName, dataDir: string): Promise<RunningPeer> {
    const child = spawn(process.execPath, [...nodeFlags, peerProcess, name, dataDir], {
      env: { ...process.env, NODE_ENV: 'production', MALLOC_ARENA_MAX: '2' },
      // Its end of the channel closes when this process dies: then it ends, too.
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    return new RunningPeer(name, child, await readyUrl(child, name));
  }

  async call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<PeerAnswer> {
    const startedAtMs = performance.now();
    const response = await this.#pool.request({
      method,
      path,
      ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const answer = (await response.body.json()) as PeerAnswer['body'];
    return { status: response.statusCode, body: answer, ms: performance.now() - startedAtMs };
  }

  async openShow(showId: string, seats: number): Promise<void> {
    const { status } = await this.call('POST', '/shows', { showId, seats });
    if (status !== 201) throw new Error(`${this.name} did not open a show: ${status}`);
  }

  /** @throws Error when the peer could not */
  async settle(): Promise<void> {
    const { status } = await this.call('POST', '/settled');
    if (status !== 200) throw new Error(`${this.name} did not settle: ${status}`);
  }

  async confirmedBookings(): Promise<ConfirmedBooking[]> {
    const { status, body } = await this.call('GET', '/confirmed-bookings');
    if (status !== 200) throw new Error(`${this.name} did not tell its bookings: ${status}`);
    return body as unknown as ConfirmedBooking[];
  }

  /** Kills the servers behind the front, too: none of them gets to write what it has not written. */
  async kill(): Promise<void> {
    await this.#pool.destroy();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGTERM');
    await once(this.#child, 'exit');
  }
}

function readyUrl(child: ChildProcess, name: PeerName): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${name} did not start (exit code ${code})`)));
    createInterface(child.stdout!).on('line', (line) => {
      if (!line.startsWith('{"msg":"ready"')) return;
      resolve((JSON.parse(line) as { url: string }).url);
    });
  });
}
