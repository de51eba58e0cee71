import { WorkflowBusyError } from '../../src/contracts/workflow-client.ts';
import { FairStarts } from '../../temporal/fair-starts.ts';

/** Starts that end when they are told to, and the order in which they began. */
function startsToEnd(limits: { inFlightMax: number; waitingMax: number }) {
  const starts = new FairStarts(limits);
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

describe('starts of bookings', () => {
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
    const starts = new FairStarts({ inFlightMax: 1, waitingMax: 1 });
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
      expect(refused).toBeInstanceOf(WorkflowBusyError);
      expect((refused as WorkflowBusyError).retryAfterMs).toBeGreaterThan(0);
    });

    test('a quiet show still finds a place: the hot one gives up its newest', async () => {
      const { start, begun, hot, endAll } = full();
      const quiet = start('quiet', 'quiet');
      await expect(hot[4]).rejects.toThrow(WorkflowBusyError);
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
      await expect(start('other', 'other 2')).rejects.toThrow(WorkflowBusyError);
      await expect(start('hot', 'hot 5')).rejects.toThrow(WorkflowBusyError);
      await endAll();
      await expect(Promise.all(others)).resolves.toEqual(['other 0', 'other 1']);
    });
  });
});
