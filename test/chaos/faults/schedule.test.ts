import { RECOVERY_MAX_MS } from '../recovery.ts';
import { faults, scheduleOf, type Turn } from './schedule.ts';

/** As `npm run chaos` has it, if nothing else is said. */
const RUN_MS = 45_000;
const hundred = Array.from({ length: 100 }, (_, before) => scheduleOf(before + 1, RUN_MS));
const isPair = ({ faults: together }: Turn): boolean => together.length === 2;
const nameOf = ({ faults: together }: Turn): string => together.map(({ name }) => name).join(' and ');

test('a hundred runs in a row go through every pair of faults', () => {
  const every = faults.flatMap((one, at) => faults.slice(at + 1).map((other) => `${one.name} and ${other.name}`));
  const come = new Set(hundred.flatMap((turns) => turns.filter(isPair).map(nameOf)));
  expect(every.filter((pair) => !come.has(pair))).toEqual([]);
});

test('they kill each process alone that can be, one as often as another', () => {
  const alone = hundred.flatMap((turns) => turns.filter((turn) => !isPair(turn)).map(nameOf));
  expect(new Set(alone)).toEqual(new Set(faults.filter(({ killsOne }) => killsOne).map(({ name }) => name)));
  const counts = [...new Set(alone)].map((name) => alone.filter((each) => each === name).length);
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
});

test.each([
  ['a run', RUN_MS, faults],
  ['a long run', 10 * RUN_MS, faults],
  ['one fault again and again', RUN_MS, faults.filter(({ name }) => name === 'kill-api')],
])('in %s nothing else begins until a process that is killed alone has had its time', (_, runMs, among) => {
  for (let seed = 1; seed <= 100; seed++) {
    const turns = scheduleOf(seed, runMs, among);
    for (const [number, turn] of turns.slice(0, -1).entries()) {
      if (!isPair(turn)) expect(turns[number + 1]!.atMs - turn.atMs).toBeGreaterThan(RECOVERY_MAX_MS);
    }
    expect(isPair(turns[0]!)).toBe(false);
  }
});

test('what goes wrong follows from the seed alone', () => {
  expect(scheduleOf(17, RUN_MS)).toEqual(scheduleOf(17, RUN_MS));
  expect(scheduleOf(17, RUN_MS).map(nameOf)).not.toEqual(scheduleOf(18, RUN_MS).map(nameOf));
});

test.each([
  ['one that kills nobody', ['cut-temporal']],
  ['two', ['kill-postgres', 'cut-temporal']],
  ['two that kill nobody', ['slow-postgres', 'cut-temporal']],
])('of %s only those come that are named, apart as was asked for', (_, names) => {
  const among = faults.filter(({ name }) => names.includes(name));
  const turns = scheduleOf(3, 10 * RUN_MS, among, [15_000, 40_000]);
  expect(new Set(turns.flatMap(({ faults: together }) => together))).toEqual(new Set(among));
  const gaps = turns.slice(1).map(({ atMs }, before) => atMs - turns[before]!.atMs);
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(15_000);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(40_000);
});
