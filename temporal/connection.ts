import { Client, Connection } from '@temporalio/client';
import { setTimeout as delay } from 'node:timers/promises';

export interface TemporalAddress {
  readonly address: string;
  readonly namespace: string;
}

const CONNECT_RETRY_MS = 500;

/** Connects, waiting for a server that is still starting. Reconnects by itself when the server was away. */
export async function connectClient({ address, namespace }: TemporalAddress, signal?: AbortSignal): Promise<Client> {
  for (;;) {
    try {
      const connection = await Connection.connect({
        address,
        // On loopback and inside a data centre compressing costs more than it saves.
        channelArgs: { 'grpc.default_compression_algorithm': 0 },
      });
      return new Client({ connection, namespace });
    } catch (error) {
      if (signal?.aborted) throw error;
      await delay(CONNECT_RETRY_MS, undefined, { signal });
    }
  }
}
