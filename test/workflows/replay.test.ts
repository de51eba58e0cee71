import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { TEST_BUNDLES_DIR } from '../setup/global-setup.ts';

/** Every history ever written replays on the new code: what runs during a deploy goes on as if nothing had happened. */
const folder = join(import.meta.dirname, '../histories');
const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.json')).sort();
const OUTPUT_BYTES_MAX = 10 * 1024 * 1024;

async function replay(paths: readonly string[]): Promise<Record<string, string | null>> {
  const { stdout } = await promisify(execFile)(process.execPath, ['test/setup/replay-histories.ts', ...paths], {
    env: { ...process.env, BUNDLES_DIR: process.env[TEST_BUNDLES_DIR] },
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  // The bundler says a word before.
  return JSON.parse(stdout.slice(stdout.lastIndexOf('\n') + 1)) as Record<string, string | null>;
}

let outcomes: Record<string, string | null>;
beforeAll(async () => {
  outcomes = await replay(files.map((file) => join(folder, file)));
}, 240_000);

test.each(files)('replays the history %s', (file) => {
  expect(outcomes[join(folder, file)]).toBeNull();
});

test.each([
  ['show-from-start-to-end.json', '"projectSeatMap"', '"drawSeatMap"'],
  ['late-refunded.json', '"refundPayment"', '"keepPayment"'],
  ['booking-given-up-then-confirmed.json', '"latePaymentWorkflow"', '"neverMindWorkflow"'],
])('a history that this code would not have written is refused: %s', async (name, written, other) => {
  const scratch = await mkdtemp(join(tmpdir(), 'seatkeeper-histories-'));
  try {
    const file = files.find((each) => each.endsWith(`/${name}`))!;
    const path = join(scratch, name);
    const history = await readFile(join(folder, file), 'utf8');
    await writeFile(path, history.replaceAll(written, other));
    expect((await replay([path]))[path]).toMatch(/nondeterminism/i);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
});
