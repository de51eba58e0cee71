import { Client } from '@temporalio/client';
import { setTimeout as delay, setImmediate as turnOfTheLoop } from 'node:timers/promises';
import type { SeatCommand } from '../../src/domain/seat-commands.ts';
import { newId } from '../../src/platform/ids.ts';
import { SeatCommandBatcher } from '../../temporal/seat-command-batcher.ts';
import { openShow } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';

const system = useTestSystem();

/** When updates were begun; each takes at least so long. */
class SlowUpdates {
  readonly begunMs: number[] = [];
  readonly #atLeastMs: number;

  constructor(atLeastMs: number) {
    this.#atLeastMs = atLeastMs;
  }

  readonly interceptor = {
    startUpdate: async <Input, Output>(input: Input, next: (input: Input) => Promise<Output>): Promise<Output> => {
      this.begunMs.push(performance.now());
      const [output] = await Promise.all([next(input), delay(this.#atLeastMs)]);
      return output;
    },
  };
}

function batcherWith(updates: SlowUpdates, paceMaxMs: number) {
  const { connection, options } = system.temporal;
  const { namespace } = options;
  const client = new Client({ connection, namespace, interceptors: { workflow: [updates.interceptor] } });
  const sizes: number[] = [];
  return {
    batcher: new SeatCommandBatcher(client.workflow, { paceMaxMs, observe: ({ commands }) => sizes.push(commands) }),
    sizes,
  };
}

const holdOf = (seat: number): SeatCommand => ({
  kind: 'hold',
  bookingId: newId('bkg'),
  fingerprint: 'of this body',
  buyerId: newId('usr'),
  ttlMs: 600_000,
  pick: { seats: [seat] },
});

describe('batches of one show', () => {
  test('follow each other by the pace, counted from sending to sending: what comes meanwhile goes together', async () => {
    const show = await openShow(system);
    const updates = new SlowUpdates(300);
    const { batcher, sizes } = batcherWith(updates, 600);
    await batcher.send(show.id, holdOf(0));
    const answers = [];
    for (const seat of [1, 2, 3, 4]) {
      answers.push(batcher.send(show.id, holdOf(seat)));
      await delay(20);
    }
    for (const { ok } of await Promise.all(answers)) expect(ok).toBe(true);
    expect(sizes).toEqual([1, 4]);
    const [first, second] = updates.begunMs as [number, number];
    // Timers may be a millisecond early.
    expect(second - first).toBeGreaterThanOrEqual(598);
  });

  test('wait for no more than four times what the last one took: alone, a command goes at once', async () => {
    const show = await openShow(system);
    const updates = new SlowUpdates(0);
    const { batcher } = batcherWith(updates, 60_000);
    await batcher.send(show.id, holdOf(0));
    const sentMs = performance.now();
    await batcher.send(show.id, holdOf(1));
    expect(updates.begunMs).toHaveLength(2);
    await delay(4 * (performance.now() - sentMs));
    const third = batcher.send(show.id, holdOf(2));
    await turnOfTheLoop();
    expect(updates.begunMs).toHaveLength(3);
    await third;
  });
});
