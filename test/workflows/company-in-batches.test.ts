import { jest } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import type { SeatCommandsAnswer } from '../../src/contracts/show-messages.ts';
import type { SeatCommand } from '../../src/domain/seat-commands.ts';
import { newId } from '../../src/platform/ids.ts';
import { SeatCommandBatcher } from '../../temporal/seat-command-batcher.ts';

const SHOW_ID = newId('shw');
const granted = { ok: true, seats: [], heldAtMs: null, expiresAtMs: null } as const;

/** Goes on only when a test says so. */
let nowMs: number;
beforeEach(() => {
  nowMs = 1_000;
  jest.spyOn(performance, 'now').mockImplementation(() => nowMs);
});
afterEach(() => jest.restoreAllMocks());

/** Without a server, whose time is nobody's to say: each update takes so long by the tests' clock, and grants everything. */
class TimedUpdates {
  /** When each began, by the real clock. */
  readonly begunAtMs: number[] = [];
  readonly sizes: number[] = [];
  /** Until this has come, none is answered. */
  mayAnswer: Promise<unknown> = Promise.resolve();
  readonly #ms: number;

  constructor(ms: number) {
    this.#ms = ms;
  }

  readonly interceptor = {
    startUpdate: async ({ args }: { readonly args: readonly unknown[] }) => {
      const [commands] = args as [readonly SeatCommand[]];
      this.begunAtMs.push(Date.now());
      this.sizes.push(commands.length);
      await this.mayAnswer;
      nowMs += this.#ms;
      const answer: SeatCommandsAnswer = { results: commands.map(() => granted), version: 1 };
      const success = { payloads: [defaultPayloadConverter.toPayload(answer)] };
      return { updateId: newId('pay'), workflowRunId: 'of no workflow', outcome: { success } };
    },
  };
}

const connection = Connection.lazy();
afterAll(() => connection.close());

function batcherWith(updates: TimedUpdates, lingerMaxMs: number): SeatCommandBatcher {
  const client = new Client({ connection, interceptors: { workflow: [updates.interceptor] } });
  return new SeatCommandBatcher(client.workflow, { lingerMaxMs });
}

const release = (): SeatCommand => ({ kind: 'release', bookingId: newId('bkg') });

describe('a command for a show', () => {
  test('goes at once as long as the show is quick', async () => {
    const updates = new TimedUpdates(20);
    const batcher = batcherWith(updates, 60_000);
    await batcher.send(SHOW_ID, release());
    const second = batcher.send(SHOW_ID, release());
    await turnOfTheLoop();
    expect(updates.begunAtMs).toHaveLength(2);
    await second;
  });

  test('waits for company when the last batch took longer, six times as long as that was too long; another show’s does not', async () => {
    const updates = new TimedUpdates(50);
    const batcher = batcherWith(updates, 60_000);
    await batcher.send(SHOW_ID, release());
    const sentAtMs = Date.now();
    const answers = [];
    for (let number = 0; number < 4; number++) {
      answers.push(batcher.send(SHOW_ID, release()));
      await turnOfTheLoop();
    }
    const other = batcher.send(newId('shw'), release());
    for (const { ok } of await Promise.all([...answers, other])) expect(ok).toBe(true);
    expect(updates.sizes).toEqual([1, 1, 4]);
    // Timers may be a millisecond early, and times are whole ones.
    expect(updates.begunAtMs[2]! - sentAtMs).toBeGreaterThanOrEqual(178);
  });

  test('waits no longer than it may, however long the last batch took', async () => {
    const updates = new TimedUpdates(10_000);
    const batcher = batcherWith(updates, 100);
    await batcher.send(SHOW_ID, release());
    const sentAtMs = Date.now();
    await batcher.send(SHOW_ID, release());
    expect(updates.begunAtMs[1]! - sentAtMs).toBeGreaterThanOrEqual(98);
    expect(updates.begunAtMs[1]! - sentAtMs).toBeLessThan(10_000);
  });

  test('has waited already while the batch before it was under way', async () => {
    const updates = new TimedUpdates(24);
    const answer = Promise.withResolvers<void>();
    updates.mayAnswer = answer.promise;
    const batcher = batcherWith(updates, 60_000);
    const first = batcher.send(SHOW_ID, release());
    await turnOfTheLoop();
    // Sent as early as the first, and so has waited for six times the four milliseconds that it took too long.
    const second = batcher.send(SHOW_ID, release());
    answer.resolve();
    await first;
    await turnOfTheLoop();
    expect(updates.begunAtMs).toHaveLength(2);
    await second;
  });

  test('waits for nobody in company of fifteen others', async () => {
    const updates = new TimedUpdates(10_000);
    const batcher = batcherWith(updates, 60_000);
    await batcher.send(SHOW_ID, release());
    await Promise.all(Array.from({ length: 16 }, () => batcher.send(SHOW_ID, release())));
    expect(updates.sizes).toEqual([1, 16]);
  });
});
