import fc from 'fast-check';
import { SeatChanges } from '../../src/live/seat-changes.ts';

const SEATS = 4;
const ANY_NUMBER = SEATS;

/** A watcher applies what it is told to what it has. */
function applied(statuses: string, changes: readonly (readonly [number, string])[]): string {
  const seats = [...statuses];
  for (const [seat, status] of changes) seats[seat] = status;
  return seats.join('');
}

const statuses = fc.string({ unit: fc.constantFrom('a', 'h', 'b'), minLength: SEATS, maxLength: SEATS });
/** A show's maps, version after version, and of each whether either process has had it. */
const history = fc.array(fc.record({ map: statuses, hadBy: fc.tuple(fc.boolean(), fc.boolean()) }), {
  minLength: 1,
  maxLength: 12,
});

test('whoever changes from one process to another is told all that it lacks, or is given the whole map', () => {
  fc.assert(
    fc.property(statuses, history, fc.nat({ max: 1 }), (first, versions, watchedAt) => {
      const other = 1 - watchedAt;
      const processes = [new SeatChanges(0, first), new SeatChanges(0, first)];
      // By the process that it watches at: all maps that the watcher may have when it comes to the other one.
      const seen = [{ version: 0, map: first }];
      let served = seen[0]!;
      versions.forEach(({ map, hadBy }, index) => {
        const version = index + 1;
        if (hadBy[watchedAt]) {
          processes[watchedAt]!.advance(version, map);
          seen.push({ version, map });
        }
        if (!hadBy[other]) return;
        processes[other]!.advance(version, map);
        served = { version, map };
        for (const had of seen.filter((each) => each.version <= served.version)) {
          const changes = processes[other]!.since(had.version, ANY_NUMBER);
          if (changes !== null) expect(applied(had.map, changes)).toBe(served.map);
        }
      });
    }),
    { numRuns: 2_000 },
  );
});

test('a seat that was let go and taken again where this process did not look is not passed over', () => {
  const process = new SeatChanges(40, 'ha');
  process.advance(44, 'hb');
  expect(process.since(42, ANY_NUMBER)).toBeNull();
  expect(process.since(40, ANY_NUMBER)).toEqual([[1, 'b']]);
  expect(process.since(44, ANY_NUMBER)).toEqual([]);
});

test('who comes with what was long ago gets the whole map', () => {
  const process = new SeatChanges(0, 'a');
  for (let version = 1; version <= 256; version++) process.advance(version, 'a');
  expect(process.since(0, ANY_NUMBER)).toBeNull();
  expect(process.since(1, ANY_NUMBER)).toEqual([]);
});
