import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A partner's server that accepts all it is told, and looks whether each booking's events come in order. */
export class Partner {
  readonly #server: Server;
  readonly #lastOf = new Map<string, number>();
  readonly #ids = new Set<string>();
  #repeated = 0;
  #outOfOrder = 0;

  constructor() {
    this.#server = createServer((req, res) => {
      const pieces: Buffer[] = [];
      req.on('data', (piece: Buffer) => pieces.push(piece));
      req.on('end', () => {
        this.#note(String(req.headers['webhook-id']), Buffer.concat(pieces).toString());
        res.writeHead(204).end();
      });
    });
    this.#server.keepAliveTimeout = 60_000;
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** Different messages. */
  get received(): number {
    return this.#ids.size;
  }

  /** What must not be, as a sentence; null: all is well. */
  get fault(): string | null {
    if (this.#outOfOrder > 0) return `${this.#outOfOrder} events came before an earlier one of their booking`;
    return this.#repeated > 0 ? `${this.#repeated} events came twice, and nothing had failed` : null;
  }

  #note(id: string, body: string): void {
    if (this.#ids.has(id)) this.#repeated++;
    this.#ids.add(id);
    const { bookingId } = (JSON.parse(body) as { readonly data: { readonly bookingId: string } }).data;
    const number = Number(id.slice('evt_'.length));
    if (number < (this.#lastOf.get(bookingId) ?? 0)) this.#outOfOrder++;
    this.#lastOf.set(bookingId, number);
  }
}
