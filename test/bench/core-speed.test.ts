import { setTimeout as delay } from 'node:timers/promises';
import { withCoreSpeeds } from '../../bench/core-speed.ts';

describe('how fast a core is', () => {
  it('is looked at from the beginning, every second, until the work is done', async () => {
    const { done, coreSpeeds } = await withCoreSpeeds(() => delay(2_500, 'sold out'));
    expect(done).toBe('sold out');
    expect(coreSpeeds.length).toBeGreaterThanOrEqual(2);
    expect(Math.min(...coreSpeeds)).toBeGreaterThan(0);
    const looks = coreSpeeds.length;
    await delay(1_500);
    expect(coreSpeeds).toHaveLength(looks);
  });

  it('is looked at no more when the work fails', async () => {
    const timers = runningTimers();
    await expect(withCoreSpeeds(() => Promise.reject(new Error('sold out')))).rejects.toThrow('sold out');
    expect(runningTimers()).toBe(timers);
  });
});

const runningTimers = (): number =>
  process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
