import { HttpConnection } from './http-connection.ts';

/** Of 20,000 files that a process commonly may open; more requests than this under way only wait. */
const CONNECTIONS_MAX = 8_000;

/** As many connections as requests are under way: nobody waits for another's answer, as buyers with devices of their own. */
export class ConnectionPool {
  readonly #origin: string;
  #idle: HttpConnection[] = [];
  #open = 0;

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** @param otherwise what comes of it when there is no connection to be had */
  async use<Result>(
    work: (connection: HttpConnection) => Promise<Result>,
    otherwise: (reason: string) => Result,
  ): Promise<Result> {
    let connection: HttpConnection;
    try {
      connection = await this.#take();
    } catch (error) {
      return otherwise(String(error));
    }
    const result = await work(connection);
    this.#idle.push(connection);
    return result;
  }

  close(): void {
    for (const connection of this.#idle) connection.close();
    this.#idle = [];
  }

  /** The last one that was given back, which is the least likely to be closed by the server meanwhile. */
  async #take(): Promise<HttpConnection> {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.isOpen) return idle;
      this.#open -= 1;
    }
    if (this.#open >= CONNECTIONS_MAX) throw new Error(`${CONNECTIONS_MAX} requests are under way`);
    this.#open += 1;
    try {
      return await HttpConnection.open(this.#origin);
    } catch (error) {
      this.#open -= 1;
      throw error;
    }
  }
}
