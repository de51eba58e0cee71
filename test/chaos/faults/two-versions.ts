import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from './fault.ts';

const LASTS_MS = [4_000, 10_000] as const;

/**
 * Old and new workers side by side: the second worker is deployed in another version, which is the folder that `--other-root`
 * names, works beside the first one for a while, and is deployed again as it was. Without another version it is deployed in its own.
 */
export const twoVersions: Fault = {
  name: 'two-versions',
  async run(cluster, random, signal) {
    const { otherRoot } = cluster.options;
    const forMs = random.between(...LASTS_MS);
    const worker = cluster.part('worker-2');
    if (otherRoot !== undefined) cluster.rootOf.set('worker-2', otherRoot);
    await worker.restart();
    await delay(forMs, undefined, { signal }).catch(() => undefined);
    cluster.rootOf.delete('worker-2');
    await worker.restart();
    return {
      what: otherRoot === undefined ? 'worker-2, the same version' : `worker-2 of another version for ${forMs} ms`,
    };
  },
};
