import { setTimeout as delay } from 'node:timers/promises';
import { makeCurrent } from '../../../temporal/worker-deployment.ts';
import { PRESENT_BUILD } from '../cluster.ts';
import type { Fault } from './fault.ts';

const LASTS_MS = [3_000, 8_000] as const;
const OTHER_BUILD = 'other';
/** Temporal may be away just then: the present build stays the current one. */
const KNOWN_WITHIN_MS = 10_000;

/**
 * Old and new workers side by side: the second worker is deployed as another build, which becomes the current one while the first
 * goes on as it was, and then everything goes back. The other build is the folder that `--other-root` names, or the same
 * code under another name: workflows are handed over all the same.
 */
export const twoVersions: Fault = {
  name: 'two-versions',
  async run(cluster, random, signal) {
    const { root, otherRoot = root } = cluster.options;
    const forMs = random.between(...LASTS_MS);
    const worker = cluster.part('worker-2');
    cluster.deployed.set('worker-2', { root: otherRoot, buildId: OTHER_BUILD });
    await worker.restart();
    await makeCurrent(cluster.temporal, OTHER_BUILD, { knownWithinMs: KNOWN_WITHIN_MS });
    await delay(forMs, undefined, { signal }).catch(() => undefined);
    await makeCurrent(cluster.temporal, PRESENT_BUILD);
    await delay(forMs / 4, undefined, { signal }).catch(() => undefined);
    cluster.deployed.delete('worker-2');
    await worker.restart();
    return { what: `worker-2 as another build, current for ${forMs} ms` };
  },
};
