import { setImmediate as afterOthers } from 'node:timers/promises';
import { StandBack } from '../../src/notifications/stand-back.ts';

const patient = new AbortController().signal;

interface Since {
  readonly activeMs: number;
  readonly cpuMs: number;
  readonly idleMs?: number;
}

/** A process whose use of the machine, and whose time, are told by the test; it notes for how long it is to rest. */
class ToldUsage {
  readonly #told = { nowMs: 0, activeMs: 0, cpuMs: 0 };
  readonly restsMs: number[] = [];
  readonly standBack = new StandBack(
    () => ({ ...this.#told }),
    async (ms) => {
      this.restsMs.push(ms);
      await afterOthers();
      this.#told.nowMs += ms;
    },
  );

  /** It was active for so long since the turn before, and had a processor for part of it. */
  turnAfter({ activeMs, cpuMs, idleMs = 0 }: Since): Promise<void> {
    Object.assign(this.#told, {
      nowMs: this.#told.nowMs + activeMs + idleMs,
      activeMs: this.#told.activeMs + activeMs,
      cpuMs: this.#told.cpuMs + cpuMs,
    });
    return this.standBack.turn(patient);
  }
}

describe('work that stands back', () => {
  test('does not rest while it has a processor whenever it needs one', async () => {
    const told = new ToldUsage();
    for (let turn = 0; turn < 100; turn += 1) await told.turnAfter({ activeMs: 20, cpuMs: 21 });
    expect(told.restsMs).toEqual([]);
  });

  test('rests for twenty times what it had to wait for one', async () => {
    const told = new ToldUsage();
    await told.turnAfter({ activeMs: 15, cpuMs: 10 });
    expect(told.restsMs).toEqual([100]);
  });

  test('never rests longer than a second at once, and for what is left before the next turns', async () => {
    const told = new ToldUsage();
    await told.turnAfter({ activeMs: 120, cpuMs: 40 });
    for (let turn = 0; turn < 2; turn += 1) await told.turnAfter({ activeMs: 0, cpuMs: 0 });
    expect(told.restsMs).toEqual([1_000, 600]);
  });

  test('owes no more than ten seconds of rest, however long it has waited', async () => {
    const told = new ToldUsage();
    await told.turnAfter({ activeMs: 60_000, cpuMs: 40 });
    for (let turn = 0; turn < 20; turn += 1) await told.turnAfter({ activeMs: 0, cpuMs: 0 });
    expect(told.restsMs).toEqual(Array.from({ length: 10 }, () => 1_000));
  });

  test('counts the time that it had nothing to do as rest', async () => {
    const told = new ToldUsage();
    await told.turnAfter({ activeMs: 120, cpuMs: 40 });
    await told.turnAfter({ activeMs: 0, cpuMs: 0, idleMs: 100 });
    expect(told.restsMs).toEqual([1_000, 500]);
  });

  test('gives one turn after the other', async () => {
    const told = new ToldUsage();
    const order: string[] = [];
    const first = told.turnAfter({ activeMs: 15, cpuMs: 10 }).then(() => order.push('first'));
    const second = told.standBack.turn(patient).then(() => order.push('second'));
    await Promise.all([first, second]);
    expect(order).toEqual(['first', 'second']);
    // When its turn comes, the second one finds that all was rested.
    expect(told.restsMs).toEqual([100]);
  });

  test('ends for whoever gives up while it rests, and goes on for the others', async () => {
    let activeMs = 0;
    const standBack = new StandBack(() => ({ nowMs: activeMs, activeMs, cpuMs: 0 }));
    activeMs = 5;
    const impatient = new AbortController();
    const given = standBack.turn(impatient.signal);
    // By then it rests: all that it does before is done by promises.
    await afterOthers();
    impatient.abort();
    await expect(given).rejects.toThrow('abort');
    await standBack.turn(patient);
  });
});
