import { SaleAdmission } from '../../src/api/admission/sale-admission.ts';
import { TooBusyError } from '../../src/api/http/api-error.ts';
import { OutcomeUnknownError } from '../../src/contracts/workflow-client.ts';

const granted = { ok: true } as const;
const taken = { ok: false } as const;
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

/** An admission whose clock and whose ends are the test's. */
function sale() {
  let nowMs = 0;
  const refused: string[] = [];
  const admission = new SaleAdmission({ nowMs: () => nowMs, onRefused: (what) => refused.push(what) });
  const kinds = { starts: [] as PromiseWithResolvers<void>[], payments: [] as PromiseWithResolvers<void>[] };
  const underWay = (kind: keyof typeof kinds) => () => {
    const end = Promise.withResolvers<void>();
    kinds[kind].push(end);
    return end.promise;
  };
  const quiet = <Result>(outcome: Promise<Result>): Promise<Result> => {
    outcome.catch(() => undefined);
    return outcome;
  };
  return {
    refused,
    kinds,
    later: (ms: number) => (nowMs += ms),
    hold: (showId = 'show', answer: { ok: boolean } = granted) =>
      quiet(admission.decide(showId, () => Promise.resolve(answer))),
    ask: <Result extends { ok: boolean }>(showId: string, ask: () => Promise<Result>) =>
      quiet(admission.decide(showId, ask)),
    start: (showId = 'show') => quiet(admission.start(showId, underWay('starts'))),
    pay: (showId = 'show') => quiet(admission.pay(showId, underWay('payments'))),
    /** So many end, one every so many ms. */
    end: async (kind: keyof typeof kinds, count: number, everyMs: number): Promise<void> => {
      for (let ended = 0; ended < count; ended++) {
        nowMs += everyMs;
        kinds[kind].shift()!.resolve();
        await settled();
      }
    },
  };
}

const times = <Result>(count: number, make: (number: number) => Result): Result[] =>
  Array.from({ length: count }, (_, number) => make(number));

describe('holds', () => {
  test('256 buyers who all win at once on an idle system are all taken', async () => {
    const { hold, start, refused } = sale();
    const decided = await Promise.all(times(256, () => hold()));
    expect(decided).toHaveLength(256);
    void times(256, () => start());
    expect(refused).toEqual([]);
  });

  test('the next one is refused, undecided, when those before it would have to wait too long for their start', async () => {
    const { start, end, ask } = sale();
    void times(600, () => start());
    await end('starts', 100, 20);
    let asked = false;
    const refusal = ask('show', () => {
      asked = true;
      return Promise.resolve(granted);
    });
    await expect(refusal).rejects.toThrow(TooBusyError);
    expect(asked).toBe(false);
  });

  test('a refusal says when to come again', async () => {
    const { start, end, hold } = sale();
    void times(600, () => start());
    await end('starts', 100, 20);
    const error = (await hold().catch((refusal: unknown) => refusal)) as TooBusyError;
    expect([error.code, Number(error.headers['Retry-After'])]).toEqual(['UNAVAILABLE', expect.any(Number)]);
    expect(Number(error.headers['Retry-After'])).toBeGreaterThan(2);
  });

  test('when starts are quick again, holds are taken again', async () => {
    const { start, end, hold } = sale();
    void times(600, () => start());
    await end('starts', 100, 20);
    await expect(hold()).rejects.toThrow(TooBusyError);
    await end('starts', 400, 2);
    await expect(hold()).resolves.toBe(granted);
  });

  test('those that are granted count as payments to come', async () => {
    const { pay, start, end, hold } = sale();
    void times(164, () => pay());
    await end('payments', 64, 17);
    void times(190, () => start());
    await expect(hold()).rejects.toThrow(TooBusyError);
    await end('starts', 190, 0);
    await expect(hold()).resolves.toBe(granted);
  });

  test('256 buyers under way are no overload where a payment takes four seconds to be served', async () => {
    const { pay, end, hold } = sale();
    void times(255 + 64, () => pay());
    await end('payments', 64, 25);
    await expect(hold()).resolves.toBe(granted);
    void pay();
    await expect(hold()).rejects.toThrow(TooBusyError);
  });

  test('once it is an overload, few are taken on beyond those being served, until nobody has been refused for a while', async () => {
    const { pay, end, hold } = sale();
    void times(256 + 64, () => pay());
    await end('payments', 64, 20);
    await expect(hold()).rejects.toThrow(TooBusyError);
    await end('payments', 60, 20);
    await expect(hold()).rejects.toThrow(TooBusyError);
    await end('payments', 90, 20);
    await expect(hold()).resolves.toBe(granted);
    void times(100, () => pay());
    await expect(hold()).rejects.toThrow(TooBusyError);
    await end('payments', 100, 21);
    void times(100, () => pay());
    await expect(hold()).resolves.toBe(granted);
  });

  test('a storm that a show refuses shuts nobody out: not even thousands that wait for its word', async () => {
    const { ask, hold, refused } = sale();
    for (let number = 0; number < 2_000; number++) await hold('hot', taken);
    const word = Promise.withResolvers<typeof taken>();
    const storm = times(5_000, () => ask('hot', () => word.promise));
    await expect(hold('other')).resolves.toBe(granted);
    word.resolve(taken);
    await Promise.all(storm);
    expect(refused).toEqual([]);
  });

  test('a show that is not stormed is open while another one is overloaded', async () => {
    const { pay, end, hold } = sale();
    void times(500, () => pay('hot'));
    await end('payments', 64, 17);
    await expect(hold('hot')).rejects.toThrow(TooBusyError);
    await expect(hold('quiet')).resolves.toBe(granted);
  });

  describe('of a show that does not answer', () => {
    const standing = () => {
      const parts = sale();
      const word = Promise.withResolvers<typeof granted>();
      const first = parts.ask('show', () => word.promise);
      return { ...parts, word, first };
    };

    test('are refused at once after some seconds, which a worker that was replaced does not need', async () => {
      const { hold, later } = standing();
      later(3_900);
      await expect(hold()).resolves.toBe(granted);
      const again = standing();
      again.later(4_100);
      await expect(again.hold()).rejects.toThrow(TooBusyError);
      await expect(again.hold('another show')).resolves.toBe(granted);
    });

    test('are taken to it one at a time when the first was answered by nobody, until one is answered', async () => {
      const { ask, hold, later, word, first } = standing();
      later(10_000);
      word.reject(new OutcomeUnknownError('no answer'));
      await expect(first).rejects.toThrow(OutcomeUnknownError);
      const next = Promise.withResolvers<typeof granted>();
      const probe = ask('show', () => next.promise);
      await expect(hold()).rejects.toThrow(TooBusyError);
      next.resolve(granted);
      await probe;
      await expect(Promise.all([hold(), hold()])).resolves.toEqual([granted, granted]);
    });
  });
});

describe('payments', () => {
  test('never more are under way at once than the limit, and those that wait take turns', async () => {
    const { pay, end, kinds } = sale();
    void times(200, () => pay());
    expect(kinds.payments).toHaveLength(64);
    await end('payments', 1, 17);
    expect(kinds.payments).toHaveLength(64);
  });

  test('one that would wait too long is refused at once, before anything is done for it', async () => {
    const { pay, end, refused, kinds } = sale();
    void times(64 + 380, () => pay());
    await end('payments', 128, 40);
    expect(refused).toEqual([]);
    const begun = kinds.payments.length;
    await expect(pay()).rejects.toThrow(TooBusyError);
    expect([kinds.payments.length, refused]).toEqual([begun, ['payment']]);
  });

  test('who holds seats goes first: a payment is taken while holds are refused', async () => {
    const { pay, end, hold, kinds } = sale();
    void times(64 + 300, () => pay());
    await end('payments', 64, 17);
    await expect(hold()).rejects.toThrow(TooBusyError);
    const paid = pay();
    while (kinds.payments.length > 0) await end('payments', 1, 17);
    await expect(paid).resolves.toBeUndefined();
  });

  test('at a slow provider, as many as may be under way keep nobody from holding seats', async () => {
    const { pay, later, hold } = sale();
    void times(60, () => pay());
    later(3_000);
    await expect(hold()).resolves.toBe(granted);
  });

  test('that all stand still let nobody wait behind them', async () => {
    const { pay, later, hold } = sale();
    void times(64, () => pay());
    later(7_000);
    await expect(hold()).rejects.toThrow(TooBusyError);
    await expect(pay()).rejects.toThrow(TooBusyError);
  });
});
