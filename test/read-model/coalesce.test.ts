import pg from 'pg';
import { coalesce } from '../../src/read-model/coalesce.ts';
import { ReadModelBusyError } from '../../src/read-model/errors.ts';

const limits = { maxBatch: 10, maxQueued: 100 };

interface HeldBatch {
  readonly items: readonly string[];
  end(): void;
  fail(error: Error): void;
}

/** A batch function whose batches end when the test says so; `next` awaits the next one's start. */
function heldBatches() {
  const started: HeldBatch[] = [];
  let announce = (): void => undefined;
  const run = (items: readonly string[]): Promise<string[]> =>
    new Promise((resolve, reject) => {
      started.push({ items, end: () => resolve(items.map((item) => item.toUpperCase())), fail: reject });
      announce();
    });
  async function next(): Promise<HeldBatch> {
    if (started.length === 0) await new Promise<void>((resolve) => (announce = resolve));
    return started.shift()!;
  }
  return { run, next };
}

const oneRowsFault = (): Error => Object.assign(new pg.DatabaseError('bad row', 7, 'error'), { code: '23514' });

describe('smart batching', () => {
  it('sends an item that comes alone at once, and what comes meanwhile together', async () => {
    const { next, run } = heldBatches();
    const call = coalesce(run, limits);
    const first = call('a');
    const rest = ['b', 'c', 'd'].map(call);
    const alone = await next();
    expect(alone.items).toEqual(['a']);
    alone.end();
    expect(await first).toBe('A');
    const together = await next();
    expect(together.items).toEqual(['b', 'c', 'd']);
    together.end();
    expect(await Promise.all(rest)).toEqual(['B', 'C', 'D']);
  });

  it('never sends more than a full batch, and loses nobody', async () => {
    const sizes: number[] = [];
    const call = coalesce((items: readonly number[]) => {
      sizes.push(items.length);
      return Promise.resolve(items.map((item) => item * 2));
    }, limits);
    const items = Array.from({ length: 37 }, (_, index) => index);
    expect(await Promise.all(items.map(call))).toEqual(items.map((item) => item * 2));
    expect(sizes).toEqual([1, 10, 10, 10, 6]);
  });

  it('refuses at once what does not fit in the queue, and takes items again when it has drained', async () => {
    const { next, run } = heldBatches();
    const call = coalesce(run, { maxBatch: 2, maxQueued: 2 });
    const taken = ['a', 'b', 'c'].map(call);
    await expect(call('d')).rejects.toThrow(ReadModelBusyError);
    (await next()).end();
    (await next()).end();
    expect(await Promise.all(taken)).toEqual(['A', 'B', 'C']);
    const late = call('e');
    (await next()).end();
    expect(await late).toBe('E');
  });

  it("gives an error that is one item's fault to that item alone", async () => {
    const call = coalesce((items: readonly string[]) => {
      if (items.includes('bad')) return Promise.reject(oneRowsFault());
      return Promise.resolve(items.map((item) => item.toUpperCase()));
    }, limits);
    const results = await Promise.allSettled(['first', 'a', 'bad', 'b'].map(call));
    expect(results.map((result) => (result.status === 'fulfilled' ? result.value : 'failed'))).toEqual([
      'FIRST',
      'A',
      'failed',
      'B',
    ]);
  });

  it.each([
    ["one item's fault", (item: number) => item === 77, 17],
    ["every item's fault", () => true, 511],
  ])('%s holds a full batch up for no more rounds than it can be halved', async (_name, isBad, mostCalls) => {
    let [calls, rounds, running] = [0, 0, 0];
    const call = coalesce(
      async (items: readonly number[]) => {
        calls += 1;
        if (running === 0) rounds += 1;
        running += 1;
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        if (items.some(isBad)) throw oneRowsFault();
        return items;
      },
      { maxBatch: 256, maxQueued: 300 },
    );
    const first = call(-1).catch(() => undefined);
    const results = Array.from({ length: 256 }, (_, item) => call(item));
    await first;
    [calls, rounds] = [0, 0];
    const settled = await Promise.allSettled(results);
    expect(settled.map(({ status }) => status === 'rejected')).toEqual(settled.map((_each, item) => isBad(item)));
    expect(rounds).toBeLessThanOrEqual(9);
    expect(calls).toBeLessThanOrEqual(mostCalls);
  });

  it('a statement that ran out of its time is not run again: a busy server gets no more work for it', async () => {
    let calls = 0;
    const call = coalesce((_items: readonly string[]): Promise<string[]> => {
      calls += 1;
      return Promise.reject(Object.assign(new pg.DatabaseError('timeout', 7, 'error'), { code: '57014' }));
    }, limits);
    const results = await Promise.allSettled(['a', 'b', 'c'].map(call));
    expect(results.every((result) => result.status === 'rejected')).toBe(true);
    expect(calls).toBe(2);
  });

  it('tries nothing one by one when the failure would meet all alike', async () => {
    let calls = 0;
    const call = coalesce((_items: readonly string[]): Promise<string[]> => {
      calls += 1;
      return Promise.reject(new Error('connection refused'));
    }, limits);
    const results = await Promise.allSettled(['a', 'b', 'c'].map(call));
    expect(results.every((result) => result.status === 'rejected')).toBe(true);
    expect(calls).toBe(2);
  });

  it('goes on after a failure', async () => {
    const { next, run } = heldBatches();
    const call = coalesce(run, limits);
    const failing = call('a');
    const waiting = call('b');
    (await next()).fail(new Error('gone'));
    await expect(failing).rejects.toThrow('gone');
    (await next()).end();
    expect(await waiting).toBe('B');
  });

  it('fails rather than hand out wrong results when a batch answers too few', async () => {
    const call = coalesce(() => Promise.resolve([] as string[]), limits);
    await expect(call('a')).rejects.toThrow('0 results for 1 items');
  });

  it('turns a batch function that throws at once into a rejection', async () => {
    const call = coalesce((): Promise<string[]> => {
      throw new Error('thrown');
    }, limits);
    await expect(call('a')).rejects.toThrow('thrown');
  });
});
