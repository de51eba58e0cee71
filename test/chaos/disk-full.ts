import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { checkedRun } from './checked-run.ts';
import { chaosSecrets, Cluster } from './cluster.ts';
import type { Fault } from './faults/fault.ts';
import { Partner } from './partner.ts';

/**
 * A run on a data folder whose disk becomes full. To be started in a mount namespace of its own, where the folder named by the first
 * argument is a file system that is small: everything the system keeps is on it. Writes what the run has shown to standard output, as JSON.
 */
const [dataParent] = process.argv.slice(2);
const SECONDS = 22;
const FULL_FOR_MS = 6_000;
/** Once in the run. */
const BETWEEN_FAULTS_MS = [SECONDS * 1_000, SECONDS * 1_000] as const;
const CHUNK = Buffer.alloc(1_048_576);

const diskFull: Fault = {
  name: 'disk-full',
  async run() {
    const filler = join(dataParent!, 'filler');
    fill(filler);
    const { bavail } = statfsSync(dataParent!);
    await delay(FULL_FOR_MS);
    rmSync(filler);
    return { what: `${bavail} blocks were free for ${FULL_FOR_MS} ms` };
  },
};

/** To the last byte: first by the megabyte, then by less and less. */
function fill(file: string): void {
  const descriptor = openSync(file, 'w');
  for (let length = CHUNK.length; length >= 1;) {
    try {
      if (writeSync(descriptor, CHUNK, 0, length) < length) length = Math.floor(length / 2);
    } catch {
      length = Math.floor(length / 2);
    }
  }
  closeSync(descriptor);
}

const root = resolve(fileURLToPath(import.meta.url), '..', '..', '..');
// What runs are told of is no part of the data.
const folder = join(process.env.CHAOS_RESULTS ?? join(root, '.data', 'chaos'), 'disk-full');
mkdirSync(folder, { recursive: true });
const cluster = await Cluster.start({ root, dataParent: dataParent! });
try {
  const partner = await Partner.open(cluster.apis[0]!, chaosSecrets.JWT_SECRET);
  const run = await checkedRun(cluster, partner, {
    ...{ seed: 1, seconds: SECONDS, folder },
    ...{ faults: [diskFull], betweenFaultsMs: BETWEEN_FAULTS_MS },
  });
  partner.close();
  process.stdout.write(`${JSON.stringify(run)}\n`);
} finally {
  await cluster.stop();
}
process.exit(0);
