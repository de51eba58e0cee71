import { setTimeout as delay } from 'node:timers/promises';
import type { OwnName, Ways } from '../cluster.ts';
import type { Proxy, Trouble } from '../toxiproxy.ts';
import type { Fault } from './fault.ts';

const LASTS_MS = [1_000, 7_000] as const;
const all = ['api-1', 'api-2', 'worker-1', 'worker-2', 'relay'] as const;
/** The relay speaks to Postgres alone. */
const speakers = { postgres: all, temporal: all.slice(0, 4), provider: ['worker-1', 'worker-2'] } as const;

const troubles: Readonly<Record<string, (random: { between(from: number, to: number): number }) => Trouble>> = {
  cut: () => ({ kind: 'cut' }),
  slow: (random) => ({ kind: 'slow', latencyMs: random.between(50, 800), jitterMs: random.between(0, 300) }),
  'half-open': () => ({ kind: 'half-open' }),
  'answers-held': () => ({ kind: 'answers held' }),
};

const troubleOf = (to: keyof Ways, kind: string): Fault => ({
  name: `${kind}-${to}`,
  async run(cluster, random, signal) {
    const trouble = troubles[kind]!(random);
    const names: readonly OwnName[] = random.chance(0.3) ? speakers[to] : [random.pick<OwnName>(speakers[to])];
    const ways = names.map((name) => cluster.ways(name)[to]).filter((way): way is Proxy => way !== undefined);
    const forMs = random.between(...LASTS_MS);
    try {
      await Promise.all(ways.map((way) => way.trouble(trouble)));
      await delay(forMs, undefined, { signal }).catch(() => undefined);
    } finally {
      await Promise.all(ways.map((way) => way.heal()));
    }
    return { what: `${names.join(', ')} to ${to} for ${forMs} ms` };
  },
});

export const connections: readonly Fault[] = (['postgres', 'temporal', 'provider'] as const).flatMap((to) =>
  Object.keys(troubles).map((kind) => troubleOf(to, kind)),
);
