import { Connection, type WorkflowClient } from '@temporalio/client';

/** gRPC's numbers of a channel's states. */
const READY = 2;
const SHUTDOWN = 4;

/** A connection's channel; a call is sent only while it is ready. */
type Channel = ReturnType<Connection['client']['getChannel']>;

const watches = new WeakMap<Connection, ConnectionWatch>();

/**
 * Tells afterwards whether calls can have been sent. An error does not: it is that of the last of several tries, of which
 * gRPC and Temporal's client make some themselves. One watch for a connection's life, whatever the number of calls.
 */
class ConnectionWatch {
  readonly #channel: Channel;
  #downSinceMs = 0;

  constructor(channel: Channel) {
    this.#channel = channel;
    this.#followFrom(channel.getConnectivityState(false));
  }

  wasUpSince(sinceMs: number): boolean {
    return this.#isUp() || this.#downSinceMs >= sinceMs;
  }

  #isUp(): boolean {
    return Number(this.#channel.getConnectivityState(false)) === READY;
  }

  #followFrom(state: ReturnType<Channel['getConnectivityState']>): void {
    if (Number(state) === SHUTDOWN) return;
    this.#channel.watchConnectivityState(state, Infinity, () => {
      if (Number(state) === READY) this.#downSinceMs = Date.now();
      this.#followFrom(this.#channel.getConnectivityState(false));
    });
  }
}

/** From now on: whether a call may have been sent, false only if the connection was down all the time. */
export function watchSending(client: WorkflowClient): () => boolean {
  const { connection } = client;
  if (!(connection instanceof Connection)) return () => true;
  const watch = watches.get(connection) ?? new ConnectionWatch(connection['client'].getChannel());
  watches.set(connection, watch);
  const sinceMs = Date.now();
  return () => watch.wasUpSince(sinceMs);
}
