import {
  type BackoffOptions,
  Client,
  Connection,
  defaultGrpcRetryOptions,
  makeGrpcRetryInterceptor,
} from '@temporalio/client';
import { setTimeout as delay } from 'node:timers/promises';

export interface TemporalAddress {
  readonly address: string;
  readonly namespace: string;
}

const CONNECT_RETRY_MS = 500;
/**
 * Between tries to reach a server that was lost. gRPC's own pauses go on from one second to two minutes, and buyers would wait for
 * the next try.
 */
const RECONNECT_FIRST_PAUSE_MS = 100;
const RECONNECT_LONGEST_PAUSE_MS = 1_000;
/** A show is between two runs for some ten milliseconds. */
const CLOSING_RETRY_MS = 20;
/**
 * That a workflow has ten updates in flight already, each of which takes some ten milliseconds. Of an update with a start the server
 * says this and that the workflow is closing in the same words, and that the call itself meets a rate limit in others.
 */
const SAYS_FULL = /in-flight updates|Update-with-Start could not be executed/;
const RATE_LIMIT_RETRY_MS = 1_000;
const RETRY_MS = 100;
const RESOURCE_EXHAUSTED = 8;

/**
 * What the first wait before a call is sent again grows from, ms. As Temporal's own client has it, but for a workflow that goes on
 * in a new run or has many updates in flight: the server says that with the code of a rate limit, and the client would wait for
 * two seconds, and after the third time past our own deadline.
 */
export const retryIntervalMs: BackoffOptions['initialIntervalMs'] = ({ code, details }) => {
  if (Number(code) !== RESOURCE_EXHAUSTED) return RETRY_MS;
  if (details.includes('workflow is closing')) return CLOSING_RETRY_MS;
  return SAYS_FULL.test(details) ? RETRY_MS : RATE_LIMIT_RETRY_MS;
};

/** Connects, waiting for a server that is still starting. Reconnects by itself when the server was away. */
export async function connectClient({ address, namespace }: TemporalAddress, signal?: AbortSignal): Promise<Client> {
  for (;;) {
    try {
      const connection = await Connection.connect({
        address,
        channelArgs: {
          // On loopback and inside a data centre compressing costs more than it saves.
          'grpc.default_compression_algorithm': 0,
          'grpc.initial_reconnect_backoff_ms': RECONNECT_FIRST_PAUSE_MS,
          'grpc.max_reconnect_backoff_ms': RECONNECT_LONGEST_PAUSE_MS,
        },
        interceptors: [makeGrpcRetryInterceptor(defaultGrpcRetryOptions({ initialIntervalMs: retryIntervalMs }))],
      });
      return new Client({ connection, namespace });
    } catch (error) {
      if (signal?.aborted) throw error;
      await delay(CONNECT_RETRY_MS, undefined, { signal });
    }
  }
}
