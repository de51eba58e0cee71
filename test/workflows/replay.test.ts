import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { replayed } from '../setup/replayed.ts';

/**
 * Every history of a version that was released replays on the new code: what runs during a deploy goes on as if nothing
 * had happened.
 */
const folder = join(import.meta.dirname, '../histories');
const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.json')).sort();

let outcomes: Record<string, string | null>;
beforeAll(async () => {
  outcomes = await replayed(files.map((file) => join(folder, file)));
}, 240_000);

test.each(files)('replays the history %s', (file) => {
  expect(outcomes[join(folder, file)]).toBeNull();
});

test.each(await readdir(folder))(
  'the histories in folder %s are those that were recorded, and all of them',
  async (number) => {
    const sums = (await readFile(join(folder, number, 'SHA256SUMS'), 'utf8')).trim().split('\n').sort();
    const found = files
      .filter((file) => file.startsWith(`${number}/`))
      .map(async (file) => {
        const sha256 = createHash('sha256')
          .update(await readFile(join(folder, file)))
          .digest('hex');
        return `${sha256}  ${file.slice(number.length + 1)}`;
      });
    expect((await Promise.all(found)).sort()).toEqual(sums);
  },
);

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
    expect((await replayed([path]))[path]).toMatch(/nondeterminism/i);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
});
