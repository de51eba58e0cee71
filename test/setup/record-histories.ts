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

let folder: string;
const sums: string[] = [];
beforeAll(async () => {
  folder = await nextFolder();
});
afterAll(() => writeFile(join(folder, 'SHA256SUMS'), sums.join('')));

/** `npm run record-histories -- -t shows`: a change that concerns no other workflows needs no other histories. */
const kinds: readonly (readonly [kind: string, play: () => Promise<readonly Recorded[]>])[] = [
  ['bookings', () => inLanes(bookingStories(system), STORIES_AT_ONCE)],
  ['changes', () => inLanes(changeStories(system), STORIES_AT_ONCE)],
  ['shows', () => inLanes(showStories(system), STORIES_AT_ONCE)],
  ['crashes', () => inLanes(crashStories(system), CRASHES_AT_ONCE)],
  ['slow steps', async () => [await playAnswerWhileStepsAreSlow(system)]],
  // One after the other: the server loses the tasks of all.
  [
    'lost tasks',
    () =>
      inLanes(
        lostTasks.map((lost) => async () => [await playLostTask(system, lost)]),
        1,
      ),
  ],
];

test.each(kinds)(
  'records the histories of %s',
  async (_, play) => {
    const recorded = await play();
    const names = recorded.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
    const { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: ours } = system.env;
    for (const { name, workflowId, runId, namespace = ours! } of recorded) {
      const history = withoutIdentities(await printHistory(address!, { workflowId, runId, namespace }));
      await writeFile(join(folder, `${name}.json`), history, { flag: 'wx' });
      sums.push(`${createHash('sha256').update(history).digest('hex')}  ${name}.json\n`);
    }
  },
  PATIENCE_MS,
);

async function inLanes(stories: readonly Story[], lanes: number): Promise<Recorded[]> {
  const queue = stories.values();
  const recorded: Recorded[] = [];
  const lane = async (): Promise<void> => {
    for (const play of queue) recorded.push(...(await play()));
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return recorded;
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
