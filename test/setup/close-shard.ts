import { Client, credentials } from '@grpc/grpc-js';

const CLOSE_SHARD = '/temporal.server.api.adminservice.v1.AdminService/CloseShard';
/** `shard_id` 1, the development server's only one. */
const REQUEST = Buffer.from([0x08, 0x01]);
const DEADLINE_MS = 10_000;

const asItIs = (bytes: Buffer): Buffer => bytes;

/**
 * Lets the development server forget all that it has not written, as when it is killed and started anew: it reads its workflows
 * from its database again. What it forgets are the tasks by which updates are brought to a workflow.
 */
export async function closeShard(address: string): Promise<void> {
  const client = new Client(address, credentials.createInsecure());
  try {
    await new Promise<void>((resolve, reject) => {
      const deadline = Date.now() + DEADLINE_MS;
      client.makeUnaryRequest(CLOSE_SHARD, asItIs, asItIs, REQUEST, { deadline }, (error) =>
        error ? reject(error) : resolve(),
      );
    });
  } finally {
    client.close();
  }
}
