import { jest } from '@jest/globals';
import { aheadInTurn, CountsByShow } from '../../src/api/admission/counts-by-show.ts';
import { FairTurns } from '../../src/api/admission/fair-turns.ts';
import { TooBusyError } from '../../src/api/http/api-error.ts';

/** Starts that end when they are told to, and the order in which they began. */
function startsToEnd(limits: { inFlightMax: number; waitingMax: number; waitMaxMs?: number }) {
  const starts = new FairTurns({ ...limits, assumedPaceMs: 1 }, Date.now);
  const begun: string[] = [];
  const running: PromiseWithResolvers<void>[] = [];
  const start = (showId: string, name: string): Promise<string> => {
    const outcome = starts.run(showId, async () => {
      begun.push(name);
      const end = Promise.withResolvers<void>();
      running.push(end);
      await end.promise;
      return name;
    });
    outcome.catch(() => undefined);
    return outcome;
  };
  const endOne = async (): Promise<void> => {
    running.shift()!.resolve();
    await settled();
  };
  const endAll = async (): Promise<void> => {
    while (running.length > 0) await endOne();
  };
  return { start, begun, running, endOne, endAll };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('turns among shows', () => {
  test('never more are under way than may be, and all of them end', async () => {
    const { start, begun, running, endOne } = startsToEnd({ inFlightMax: 2, waitingMax: 100 });
    const outcomes = Array.from({ length: 9 }, (_, number) => start(`show ${number % 3}`, String(number)));
    while (running.length > 0) {
      expect(running.length).toBeLessThanOrEqual(2);
      await endOne();
    }
    expect(begun).toHaveLength(9);
    expect(new Set(await Promise.all(outcomes)).size).toBe(9);
  });

  test('the one start of a quiet show waits for one of a hot show, not for all that came before it', async () => {
    const { start, begun, endOne, endAll } = startsToEnd({ inFlightMax: 1, waitingMax: 100 });
    for (let number = 0; number < 50; number++) void start('hot', `hot ${number}`);
    void start('quiet', 'quiet');
    await endOne();
    await endOne();
    expect(begun).toEqual(['hot 0', 'hot 1', 'quiet']);
    await endAll();
    expect(begun).toHaveLength(51);
  });

  test('shows that all have some waiting take turns, each in its own order', async () => {
    const { start, begun, endAll } = startsToEnd({ inFlightMax: 1, waitingMax: 100 });
    void start('other', 'first');
    for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1']) void start(name[0]!, name);
    await endAll();
    expect(begun).toEqual(['first', 'a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4']);
  });

  test('one that fails makes room for the next like any other', async () => {
    const starts = new FairTurns({ inFlightMax: 1, waitingMax: 1, assumedPaceMs: 1 }, Date.now);
    const failing = starts.run('show', () => Promise.reject(new Error('refused')));
    const next = starts.run('show', () => Promise.resolve('next'));
    await expect(failing).rejects.toThrow('refused');
    await expect(next).resolves.toBe('next');
    await expect(starts.run('show', () => Promise.resolve('and now'))).resolves.toBe('and now');
  });

  describe('when as many wait as may', () => {
    const full = () => {
      const parts = startsToEnd({ inFlightMax: 1, waitingMax: 4 });
      const hot = Array.from({ length: 5 }, (_, number) => parts.start('hot', `hot ${number}`));
      return { ...parts, hot };
    };

    test('the hot show is refused a further one at once, and told when to come again', async () => {
      const { start } = full();
      const refused = await start('hot', 'one too many').catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(TooBusyError);
      expect(Number((refused as TooBusyError).headers['Retry-After'])).toBeGreaterThan(0);
    });

    test('a quiet show still finds a place: the hot one gives up its newest', async () => {
      const { start, begun, hot, endAll } = full();
      const quiet = start('quiet', 'quiet');
      await expect(hot[4]).rejects.toThrow(TooBusyError);
      await endAll();
      await expect(quiet).resolves.toBe('quiet');
      expect(begun).toEqual(['hot 0', 'hot 1', 'quiet', 'hot 2', 'hot 3']);
    });

    test('two shows with as many waiting do not push each other out', async () => {
      const { start, hot, endAll } = full();
      const others = [start('other', 'other 0'), start('other', 'other 1')];
      await expect(Promise.allSettled([hot[3], hot[4]])).resolves.toMatchObject([
        { status: 'rejected' },
        { status: 'rejected' },
      ]);
      await expect(start('other', 'other 2')).rejects.toThrow(TooBusyError);
      await expect(start('hot', 'hot 5')).rejects.toThrow(TooBusyError);
      await endAll();
      await expect(Promise.all(others)).resolves.toEqual(['other 0', 'other 1']);
    });
  });

  describe('who waits too long', () => {
    beforeEach(() => jest.useFakeTimers({ doNotFake: ['setImmediate'] }));
    afterEach(() => jest.useRealTimers());

    test('is refused, and the others keep their turns', async () => {
      const { start, begun, endAll } = startsToEnd({ inFlightMax: 1, waitingMax: 100, waitMaxMs: 1_000 });
      void start('show', 'first');
      const late = start('show', 'late');
      jest.advanceTimersByTime(600);
      const next = start('show', 'next');
      jest.advanceTimersByTime(600);
      await expect(late).rejects.toThrow(TooBusyError);
      await endAll();
      await expect(next).resolves.toBe('next');
      expect(begun).toEqual(['first', 'next']);
    });

    test('leaves its place in the line to another one', async () => {
      const { start, endAll } = startsToEnd({ inFlightMax: 1, waitingMax: 1, waitMaxMs: 1_000 });
      void start('show', 'first');
      const late = start('show', 'late');
      jest.advanceTimersByTime(1_000);
      await expect(late).rejects.toThrow(TooBusyError);
      const next = start('show', 'next');
      await endAll();
      await expect(next).resolves.toBe('next');
    });

    test('is not refused once it has begun', async () => {
      const { start, endOne, endAll } = startsToEnd({ inFlightMax: 1, waitingMax: 100, waitMaxMs: 1_000 });
      void start('show', 'first');
      const second = start('show', 'second');
      await endOne();
      jest.advanceTimersByTime(5_000);
      await endAll();
      await expect(second).resolves.toBe('second');
    });
  });
});

describe('the expected wait', () => {
  /** All places are taken, and one ends every so many ms. */
  async function ending(everyMs: number, assumedPaceMs: number) {
    let nowMs = 0;
    const turns = new FairTurns({ inFlightMax: 2, waitingMax: 10_000, assumedPaceMs }, () => nowMs);
    const ends: (() => void)[] = [];
    for (let number = 0; number < 1_000; number++) {
      void turns.run('show', () => new Promise<void>((end) => ends.push(end)));
    }
    for (let number = 0; number < 500; number++) {
      nowMs += everyMs;
      ends.shift()!();
      await settled();
    }
    return { turns, later: (ms: number) => (nowMs += ms) };
  }

  test('is none while there are places', () => {
    const turns = new FairTurns({ inFlightMax: 2, waitingMax: 10, assumedPaceMs: 50 }, () => 0);
    expect([turns.waitMs(0), turns.waitMs(1), turns.waitMs(2), turns.waitMs(3)]).toEqual([0, 0, 50, 100]);
  });

  test('is what those before it need at the pace at which work has ended of late', async () => {
    const { turns } = await ending(40, 5);
    expect(turns.waitMs(99)).toBeGreaterThan(3_900);
    expect(turns.waitMs(99)).toBeLessThanOrEqual(4_000);
  });

  test('is no shorter than the standstill until now', async () => {
    const { turns, later } = await ending(10, 10);
    later(7_000);
    expect(turns.waitMs(0)).toBeGreaterThanOrEqual(7_000);
  });

  test('counts of other shows no more than take their turn before it', () => {
    const [hot, others] = [new CountsByShow(), new CountsByShow()];
    hot.add('hot', 1_000);
    others.add('small', 3);
    others.add('quiet', 1);
    const lines = [hot, others].map((counts) => ({ counts, weight: 1 }));
    expect(aheadInTurn('quiet', lines)).toBe(1 + 2 + 2);
    expect(aheadInTurn('hot', lines)).toBe(1_000 + 3 + 1);
    expect(aheadInTurn('new', lines)).toBe(1 + 1 + 1);
  });
});
