import { createHash } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { printHistory } from './print-history.ts';
import { bookingStories } from './stories/of-bookings.ts';
import { changeStories } from './stories/of-changes.ts';
import { crashStories } from './stories/of-crashes.ts';
import { lostTasks, playLostTask } from './stories/of-lost-tasks.ts';
import { showStories } from './stories/of-shows.ts';
import { playAnswerWhileStepsAreSlow } from './stories/of-slow-steps.ts';
import type { Recorded, Story } from './stories/story.ts';
import { useTestSystem } from './system.ts';

/**
 * Records the histories of workflows in all their interesting states into the next numbered folder of test/histories,
 * through jest (`npm run record-histories`). To be run after a change of the workflows on which the old histories still
 * replay, so that the new ones are kept too. Histories that were released are never changed or deleted: some running
 * workflow may have one like it. So each folder has the digests of what was recorded.
 */
const system = useTestSystem({ settings: { PAYMENT_DEADLINE_SECONDS: '4' } });

/** Those that wait for a provider's next try take a minute and more. */
const PATIENCE_MS = 540_000;
/** Some of them are about a second or two, which a machine that does too much at once would miss. */
const STORIES_AT_ONCE = 24;
/** Each of them has two workers of its own. */
const CRASHES_AT_ONCE = 2;

test(
  'records the histories',
  async () => {
    const stories = [...bookingStories(system), ...changeStories(system), ...showStories(system)];
    const crashes: Story[] = [...crashStories(system), async () => [await playAnswerWhileStepsAreSlow(system)]];
    const playing = [...inLanes(stories, STORIES_AT_ONCE), ...inLanes(crashes, CRASHES_AT_ONCE)];
    const recorded = (await Promise.all(playing)).flat();
    // Alone: the server loses the tasks of all.
    for (const lost of lostTasks) recorded.push(await playLostTask(system, lost));
    const names = recorded.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
    const folder = await nextFolder();
    const { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: ours } = system.env;
    const sums: string[] = [];
    for (const { name, workflowId, runId, namespace = ours! } of recorded) {
      const history = withoutIdentities(await printHistory(address!, { workflowId, runId, namespace }));
      await writeFile(join(folder, `${name}.json`), history);
      sums.push(`${createHash('sha256').update(history).digest('hex')}  ${name}.json\n`);
    }
    await writeFile(join(folder, 'SHA256SUMS'), sums.join(''));
  },
  PATIENCE_MS,
);

function inLanes(stories: readonly Story[], lanes: number): Promise<Recorded[]>[] {
  const queue = stories.values();
  const lane = async (): Promise<Recorded[]> => {
    const recorded: Recorded[] = [];
    for (const play of queue) recorded.push(...(await play()));
    return recorded;
  };
  return Array.from({ length: lanes }, lane);
}

async function nextFolder(): Promise<string> {
  const histories = join(import.meta.dirname, '../histories');
  await mkdir(histories, { recursive: true });
  const numbers = (await readdir(histories)).map(Number).filter((number) => number > 0);
  const folder = join(histories, String(Math.max(0, ...numbers) + 1));
  await mkdir(folder);
  return folder;
}

/** No replay needs processes, hosts and stacks, and they tell of the machine. */
const withoutIdentities = (json: string): string =>
  JSON.stringify(
    JSON.parse(json, (key, value: unknown) => {
      if (key === 'identity' || key === 'stackTrace') return undefined;
      return key === 'name' && typeof value === 'string' && /^\d+@/.test(value) ? 'sticky' : value;
    }),
  );
