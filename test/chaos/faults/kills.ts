import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Cluster, PartName } from '../cluster.ts';
import type { Random } from '../random.ts';
import type { Deed, Fault } from './fault.ts';

/** From the kill until its supervisor starts it again: at once, or when somebody has come. */
const DOWN_MS = [200, 2_500] as const;
const STANDS_MS = [500, 7_000] as const;

const killOf = (name: string, choices: readonly PartName[]): Fault => ({
  name,
  killsOne: true,
  async run(cluster, random) {
    const killed = random.pick(choices);
    const atMs = performance.now();
    // What it has started goes with it, or has to notice by itself.
    if (random.chance(0.5)) cluster.part(killed).kill(random.between(...DOWN_MS));
    else cluster.part(killed).killAll(random.between(...DOWN_MS));
    await back(cluster, [killed]);
    return { what: killed, killed, atMs };
  },
});

const killsOf = (name: string, parts: readonly PartName[]): Fault => ({
  name,
  async run(cluster, random) {
    for (const part of parts) cluster.part(part).killAll(random.between(...DOWN_MS));
    await back(cluster, parts);
    return { what: parts.join(', ') };
  },
});

const standOf = (name: string, choices: readonly PartName[]): Fault => ({
  name,
  async run(cluster, random, signal) {
    const part = random.pick(choices);
    const forMs = random.between(...STANDS_MS);
    cluster.part(part).stand();
    await delay(forMs, undefined, { signal }).catch(() => undefined);
    cluster.part(part).goOn();
    return { what: `${part} for ${forMs} ms` };
  },
});

/** Killed, it comes back again and again, as what does not get over something at its start does. */
const killAgainAndAgain: Fault = {
  name: 'kill-again-and-again',
  async run(cluster, random): Promise<Deed> {
    const part = random.pick(['api-1', 'api-2', 'worker-1', 'worker-2', 'relay'] as const);
    const times = random.between(3, 5);
    for (let time = 0; time < times; time++) {
      cluster.part(part).kill();
      await delay(random.between(300, 1_500));
    }
    await back(cluster, [part]);
    return { what: `${part} ${times} times` };
  },
};

/** One of its connections' processes dies by `kill -9`: the server ends all others, and recovers from its log. */
const killBackend: Fault = {
  name: 'kill-postgres-backend',
  killsOne: true,
  async run(cluster, random): Promise<Deed | null> {
    const pid = await backendOf(cluster, random);
    if (pid === null) return null;
    const atMs = performance.now();
    process.kill(pid, 'SIGKILL');
    return { what: `backend ${pid}`, killed: 'postgres', atMs };
  },
};

async function backendOf({ db }: Cluster, random: Random): Promise<number | null> {
  const found = await sql<{ pid: number }>`select pid from pg_stat_activity
    where backend_type = 'client backend' and pid <> pg_backend_pid() order by pid`
    .execute(db)
    .catch(() => null);
  return found === null || found.rows.length === 0 ? null : random.pick(found.rows).pid;
}

const back = (cluster: Cluster, parts: readonly PartName[]): Promise<unknown> =>
  Promise.all(parts.map((part) => cluster.part(part).isReady()));

/**
 * Of processes whose memory is not looked at: of two of a kind always the second. A connection's process of PostgreSQL is none of them:
 * all others end with it, and what they had grown by.
 */
export const killsOfOthers: readonly Fault[] = [
  killOf('kill-second-api', ['api-2']),
  killOf('kill-second-worker', ['worker-2']),
  killOf('kill-relay', ['relay']),
  standOf('stop-api', ['api-1', 'api-2']),
  standOf('stop-worker', ['worker-1', 'worker-2']),
  standOf('stop-temporal', ['temporal']),
];

export const kills: readonly Fault[] = [
  killOf('kill-api', ['api-1', 'api-2']),
  killOf('kill-worker', ['worker-1', 'worker-2']),
  killOf('kill-relay', ['relay']),
  killOf('kill-provider', ['payment-simulator']),
  killOf('kill-temporal', ['temporal']),
  killOf('kill-postgres', ['postgres']),
  killBackend,
  killsOf('kill-both-apis', ['api-1', 'api-2']),
  killsOf('kill-both-workers', ['worker-1', 'worker-2']),
  killsOf('kill-api-and-worker', ['api-1', 'worker-2']),
  killsOf('kill-all-of-ours', ['api-1', 'api-2', 'worker-1', 'worker-2', 'relay', 'payment-simulator']),
  killsOf('kill-everything', [
    ...(['api-1', 'api-2', 'worker-1', 'worker-2', 'relay', 'payment-simulator'] as const),
    ...(['temporal', 'postgres'] as const),
  ]),
  killAgainAndAgain,
  standOf('stop-api', ['api-1', 'api-2']),
  standOf('stop-worker', ['worker-1', 'worker-2']),
  standOf('stop-relay-or-provider', ['relay', 'payment-simulator']),
  standOf('stop-temporal', ['temporal']),
  standOf('stop-postgres', ['postgres']),
];
