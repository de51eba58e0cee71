import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createLogger } from '../../src/platform/logger.ts';
import { defaultCacheDir, obtainTemporalCli } from '../../temporal/server/obtain.ts';
import { bookingStories } from './stories/of-bookings.ts';
import { changeStories } from './stories/of-changes.ts';
import { crashStories } from './stories/of-crashes.ts';
import { showStories } from './stories/of-shows.ts';
import type { Recorded, Story } from './stories/story.ts';
import { useTestSystem } from './system.ts';

/**
 * Records the histories of workflows in all their interesting states into the next numbered folder of test/histories,
 * through jest (`npm run record-histories`). To be run after a change of the workflows on which the old histories still
 * replay, so that the new ones are kept too. Histories that were released are never changed or deleted: some running
 * workflow may have one like it.
 */
const system = useTestSystem({ settings: { PAYMENT_DEADLINE_SECONDS: '4' } });

const HISTORY_BYTES_MAX = 10 * 1024 * 1024;
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
    const playing = [...inLanes(stories, STORIES_AT_ONCE), ...inLanes(crashStories(system), CRASHES_AT_ONCE)];
    const recorded = (await Promise.all(playing)).flat();
    const names = recorded.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
    const folder = await nextFolder();
    const show = await historyPrinter();
    for (const each of recorded) {
      await writeFile(join(folder, `${each.name}.json`), withoutIdentities(await show(each)));
    }
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

/** Histories as `temporal workflow show` prints them, and as operators get them. */
async function historyPrinter(): Promise<(recorded: Recorded) => Promise<string>> {
  const log = createLogger('temporal', 'warn');
  const cli = await obtainTemporalCli({ cacheDir: defaultCacheDir(process.env), env: process.env, log });
  const address = system.env.TEMPORAL_ADDRESS!;
  return async ({ workflowId, runId, namespace = system.env.TEMPORAL_NAMESPACE! }) => {
    const workflow = ['--workflow-id', workflowId, ...(runId === undefined ? [] : ['--run-id', runId])];
    const server = ['--address', address, '--namespace', namespace];
    const options = { maxBuffer: HISTORY_BYTES_MAX };
    const { stdout } = await promisify(execFile)(
      cli,
      ['workflow', 'show', ...workflow, ...server, '--output', 'json'],
      options,
    );
    return stdout;
  };
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
