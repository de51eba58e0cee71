import { type Result, shortcomings, tableOf } from '../../bench/report.ts';
import type { Profile, Scenario } from '../../bench/scenario.ts';

const scenario: Scenario = {
  name: 'sale',
  what: 'Somebody buys',
  profiles: ['server'],
  figures: [
    { figure: 'bookings', unit: '/s', better: 'more', floor: { server: 60, dev: 35 }, aim: { server: 167 } },
    { figure: 'p99', unit: 'ms', better: 'less', floor: 250, aim: 80 },
    { figure: 'noted', unit: '' },
    { figure: 'lost', unit: '', better: 'less', floor: 0, everyRun: true },
  ],
  run: () => Promise.reject(new Error('is not run here')),
};
const result = (bookings: number[], p99 = 10, profile: Profile = 'server'): Result => ({
  scenario,
  profile,
  measurements: bookings.map((value) => ({ figures: { bookings: value, p99, noted: 1, lost: 0 } })),
  load: 1,
  looks: [{ coreSpeed: 100, stolen: 0.25 }],
  failures: [],
});

describe('what a report makes of its figures', () => {
  it('says nothing when every floor is met', () => {
    expect(shortcomings([result([60, 61, 62])])).toEqual([]);
  });

  it('names a floor that the median misses, from either side', () => {
    expect(shortcomings([result([59, 58, 90])])).toEqual(['sale (server): bookings 59.0 /s, floor 60']);
    expect(shortcomings([result([60], 251)])).toEqual(['sale (server): p99 251 ms, floor 250']);
  });

  it('asks each profile for its own floor', () => {
    expect(shortcomings([result([40], 10, 'dev')])).toEqual([]);
    expect(shortcomings([result([34], 10, 'dev')])).toHaveLength(1);
  });

  it('takes a figure that a run does not tell for a miss', () => {
    const untold = { ...result([]), measurements: [{ figures: { bookings: 100, lost: 0 } }] };
    expect(shortcomings([untold])).toEqual([expect.stringContaining('p99 NaN')]);
  });

  it('tells of a failed run, and keeps the figures of those before it', () => {
    const failed = { ...result([70]), failures: ['the audit found 1 faults: seat A1 is sold twice'] };
    expect(shortcomings([failed])).toEqual([expect.stringContaining('FAILED: the audit found')]);
    expect(tableOf(failed)).toContain('**FAILED**: the audit found');
    expect(tableOf(failed)).toContain('| 70.0 | 70.0 | 70.0 | ≥ 60 | ≥ 167 **missed** |');
  });

  it('takes the worst run for what may never be', () => {
    const [first, second, third] = result([70, 70, 70]).measurements;
    const lossy = { ...second!, figures: { ...second!.figures, lost: 1 } };
    expect(shortcomings([{ ...result([70]), measurements: [first!, lossy, third!] }])).toEqual([
      'sale (server): lost 1.00 , floor 0',
    ]);
  });
});
