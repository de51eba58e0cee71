import { setTimeout as delay } from 'node:timers/promises';
import { rangesOf, stolenShare, withMachineLooks } from '../../bench/machine-looks.ts';

describe('the machine', () => {
  it('is looked at from the beginning, every second, until the work is done', async () => {
    const { done, looks } = await withMachineLooks(() => delay(2_500, 'sold out'));
    expect(done).toBe('sold out');
    expect(looks.length).toBeGreaterThanOrEqual(2);
    expect(Math.min(...looks.map(({ coreSpeed }) => coreSpeed))).toBeGreaterThan(0);
    const { length } = looks;
    await delay(1_500);
    expect(looks).toHaveLength(length);
  });

  it('is looked at no more when the work fails', async () => {
    const timers = runningTimers();
    await expect(withMachineLooks(() => Promise.reject(new Error('sold out')))).rejects.toThrow('sold out');
    expect(runningTimers()).toBe(timers);
  });

  it('has lost to others what its kernel tells of all cores together', () => {
    // user, nice, system, idle, iowait, irq, softirq, steal, guest (which is part of user), guest_nice
    const before = 'cpu  100 0 50 1000 10 0 5 200 90 0\ncpu0 50 0 25 500 5 0 2 100 45 0\n';
    const after = 'cpu  120 0 60 1040 10 0 5 230 110 0\ncpu0 60 0 30 520 5 0 2 115 55 0\n';
    expect(stolenShare(before, after)).toBeCloseTo(0.3);
    expect(stolenShare(before, before)).toBe(0);
  });

  it('is told by what a tenth of the looks was below, half of them, and all but a tenth', () => {
    const looks = Array.from({ length: 10 }, (_, index) => ({ coreSpeed: 100 + index, stolen: index / 10 }));
    expect(rangesOf(looks)).toBe('speed of a core 100 – 104 – 108; stolen 0.00 – 40.0 – 80.0 %');
  });
});

const runningTimers = (): number =>
  process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
