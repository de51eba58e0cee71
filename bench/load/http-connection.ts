import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface HttpAnswer {
  readonly status: number;
  /** Empty where there is none. */
  readonly body: Buffer;
  /** Status line and headers as they came. */
  readonly head: string;
}

/** Longer than anything the service promises to answer within. */
const ANSWER_TIMEOUT_MS = 30_000;
/** A head that is longer is not one of ours. */
const HEAD_BYTES_MAX = 32 * 1_024;
const END_OF_HEAD = '\r\n\r\n';
const nothing: Buffer = Buffer.alloc(0);
const sharedBytes = Buffer.alloc(64 * 1_024);

/**
 * One keep-alive connection that carries one request at a time, whose bytes the caller has made. It reads as much of
 * HTTP/1.1 as these answers have: a length in the head, no chunks. The load generator shares its cores with what it
 * measures, and this takes a third of the CPU of undici's pool: 10 µs a request instead of 28.
 */
export class HttpConnection {
  readonly #socket: Socket;
  #unread = nothing;
  #waiting: PromiseWithResolvers<HttpAnswer> | null = null;
  #timeout: NodeJS.Timeout | null = null;

  private constructor({ hostname, port }: URL, localAddress: string | undefined) {
    // All connections are read into the same bytes, one after the other: nothing is allocated for what arrives.
    const callback = (length: number) => this.#read(sharedBytes.subarray(0, length));
    const onread = { buffer: sharedBytes, callback };
    this.#socket = connect({ host: hostname, port: Number(port), localAddress, onread, noDelay: true });
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('the server has closed the connection')));
  }

  /** @param localAddress which of this machine's addresses calls */
  static async open(origin: string, localAddress?: string): Promise<HttpConnection> {
    const connection = new HttpConnection(new URL(origin), localAddress);
    await once(connection.#socket, 'connect');
    return connection;
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#socket.writable;
  }

  /** @throws Error when the connection ends or nothing is answered in time */
  send(request: string | Buffer): Promise<HttpAnswer> {
    if (!this.isOpen) return Promise.reject(new Error('the connection is closed'));
    const waiting = Promise.withResolvers<HttpAnswer>();
    this.#waiting = waiting;
    // One timer for as long as the connection is busy: it looks again, instead of being set for each request.
    this.#timeout ??= setTimeout(() => this.#lookWhoWaits(waiting), ANSWER_TIMEOUT_MS);
    this.#socket.write(request, 'latin1');
    return waiting.promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #lookWhoWaits(seen: PromiseWithResolvers<HttpAnswer>): void {
    this.#timeout = null;
    if (this.#waiting === null) return;
    if (this.#waiting === seen) {
      this.#fail(new Error(`no answer for ${ANSWER_TIMEOUT_MS / 1_000} s`));
      return this.close();
    }
    const waiting = this.#waiting;
    this.#timeout = setTimeout(() => this.#lookWhoWaits(waiting), ANSWER_TIMEOUT_MS);
  }

  #fail(error: Error): void {
    if (this.#timeout !== null) clearTimeout(this.#timeout);
    this.#timeout = null;
    this.#waiting?.reject(error);
    this.#waiting = null;
  }

  /** True: go on reading. */
  #read(bytes: Buffer): true {
    const data = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes]);
    const answer = wholeAnswer(data);
    if (answer === null) {
      this.#unread = Buffer.from(data);
      return true;
    }
    this.#unread = nothing;
    const waiting = this.#waiting;
    this.#waiting = null;
    if (answer instanceof Error) {
      waiting?.reject(answer);
      this.close();
    } else {
      waiting?.resolve(answer);
    }
    return true;
  }
}

/** Null: some of it has yet to come. */
export function wholeAnswer(data: Buffer): HttpAnswer | Error | null {
  const headEnd = data.indexOf(END_OF_HEAD);
  if (headEnd === -1) return data.length > HEAD_BYTES_MAX ? new Error('the answer has no end of its head') : null;
  const head = data.toString('latin1', 0, headEnd);
  const status = Number(head.slice(9, 12));
  const bodyStart = headEnd + END_OF_HEAD.length;
  const hasBody = status !== 304 && status !== 204;
  const length = hasBody ? contentLength(head) : 0;
  if (length === null) return new Error(`an answer without a length is not understood: ${head}`);
  if (data.length < bodyStart + length) return null;
  if (data.length > bodyStart + length) return new Error('more was answered than was asked');
  return { status, head, body: length === 0 ? nothing : Buffer.from(data.subarray(bodyStart)) };
}

function contentLength(head: string): number | null {
  const found = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  return found === undefined ? null : Number(found);
}

export const hasHeader = ({ head }: HttpAnswer, name: string): boolean =>
  head.toLowerCase().includes(`\r\n${name.toLowerCase()}:`);
