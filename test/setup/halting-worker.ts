import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Activities, exitWithWorker, runWorkerProcess } from '../../src/main/worker-process.ts';

/**
 * A worker that comes to a step and does not get past it, before or after its effect: with a file of a booking's name in
 * `HALTS_DIR`, which says `before` or `after` and the activity, the first call of it that is about that booking stands still.
 * The file is then called `….halted`, and the call fails when somebody takes that away, or goes on when somebody writes
 * `go on` into it. All else goes on.
 */
type Activity = (...args: unknown[]) => Promise<unknown>;

const dir = process.env.HALTS_DIR!;
const LOOK_EVERY_MS = 50;

async function mayHalt(moment: string, activity: string, args: readonly unknown[]): Promise<void> {
  const about = new Set(JSON.stringify(args).match(/bkg_[\w-]+/g));
  for (const id of about) {
    const file = join(dir, id);
    if (!existsSync(file) || readFileSync(file, 'utf8') !== `${moment} ${activity}`) continue;
    renameSync(file, `${file}.halted`);
    while (existsSync(`${file}.halted`)) {
      if (readFileSync(`${file}.halted`, 'utf8') === 'go on') return;
      await delay(LOOK_EVERY_MS);
    }
    throw new Error(`${activity} was halted`);
  }
}

const haltingAt =
  (name: string, original: Activity): Activity =>
  async (...args) => {
    await mayHalt('before', name, args);
    const result = await original(...args);
    await mayHalt('after', name, args);
    return result;
  };

const decorate = (activities: Activities): Activities =>
  Object.fromEntries(
    Object.entries(activities).map(([name, original]) => [name, haltingAt(name, original as Activity)]),
  ) as unknown as Activities;

exitWithWorker(runWorkerProcess(decorate));
