import fc from 'fast-check';
import { demoHalls } from '../../src/demo-catalogue/seating-plans.ts';
import { PLAN_ERRORS_MAX, parsePretixPlan, toPretixPlan, type PlanError } from '../../src/domain/pretix-plan.ts';
import { seatLayout } from '../../src/domain/seat-layout.ts';
import { ROW_SEATS_MAX } from '../../src/domain/seat-neighbours.ts';
import { PLAN_SEATS_MAX, seatsOf } from '../../src/domain/seating-plan.ts';
import { hall, pair, planOf, pretixOf, neighboursOf, runsOf } from './drawn-halls.ts';

/** Two rows of three, rows and categories as given. */
const smallHall = () => ({
  name: 'Small hall',
  categories: [{ name: 'Gold', color: '#ffd700' }, { name: 'Silver' }],
  size: { width: 200, height: 100 },
  zones: [
    {
      name: 'Hall',
      position: { x: 100, y: 50 },
      rows: ['A', 'B'].map((row, r) => ({
        row_number: row,
        position: { x: 10, y: r * 30 },
        seats: [1, 2, 3].map((number) => ({
          seat_guid: `${row}${number}`,
          seat_number: String(number),
          position: { x: number * 25, y: 0 },
          category: row === 'A' ? 'Gold' : 'Silver',
        })),
      })),
    },
  ],
});
type SmallHall = ReturnType<typeof smallHall>;

const errorsOf = (json: unknown): readonly PlanError[] => {
  const parsed = parsePretixPlan(json);
  return parsed.ok ? [] : parsed.errors;
};
const changed = (change: (plan: SmallHall) => void): SmallHall => {
  const plan = smallHall();
  change(plan);
  return plan;
};
const seat = (plan: SmallHall, row: number, number: number) => plan.zones[0]!.rows[row]!.seats[number]!;
const pathsOf = (json: unknown) => errorsOf(json).map(({ path }) => path);

const rowOfSeats = (count: number, name = 'A', y = name.charCodeAt(0) * 1_000) => ({
  row_number: name,
  position: { x: 0, y: 0 },
  seats: Array.from({ length: count }, (_, i) => ({
    seat_guid: `${name}-${i}`,
    seat_number: `${i}`,
    position: { x: i * 25, y },
    category: 'Gold',
  })),
});

describe('a pretix plan', () => {
  it('has its seats where zone, row and seat together place them', () => {
    const [first] = seatsOf(planOf(smallHall()));
    expect(first).toMatchObject({ id: 'A1', index: 0, number: '1', label: 'A-1', x: 135, y: 50, category: 'gold' });
  });

  it('names rows and seats as it says they are named in text, and sections where there are several', () => {
    const plan = changed((drawn) => {
      Object.assign(drawn.zones[0]!.rows[0]!, { row_label: 'Row %s', seat_label: 'Seat %s' });
      drawn.zones.push({ ...smallHall().zones[0]!, name: 'Balcony', position: { x: 500, y: 500 } });
      for (const row of drawn.zones[1]!.rows) for (const each of row.seats) each.seat_guid = `B-${each.seat_guid}`;
    });
    const labels = new Map(seatsOf(planOf(plan)).map(({ id, label }) => [id, label]));
    expect(labels.get('A1')).toBe('Hall, Row A, Seat 1');
    expect(labels.get('B1')).toBe('Hall, B-1');
    expect(labels.get('B-A1')).toBe('Balcony, A-1');
  });

  it('marks accessible and companion seats by the names of categories, at the price of the category they are part of', () => {
    const plan = planOf(
      changed((drawn) => {
        drawn.categories.push({ name: 'Gold (wheelchair)' }, { name: 'Gold (companion)' }, { name: 'Rollstuhlplatz' });
        seat(drawn, 0, 0).category = 'Gold (wheelchair)';
        seat(drawn, 0, 1).category = 'Gold (companion)';
        seat(drawn, 1, 0).category = 'Rollstuhlplatz';
      }),
    );
    expect(plan.categories.map(({ id }) => id)).toEqual(['gold', 'silver', 'rollstuhlplatz']);
    expect(
      seatsOf(plan).map(({ id, category, accessible, companion }) => [id, category, accessible, companion]),
    ).toEqual([
      ['A1', 'gold', true, false],
      ['A2', 'gold', false, true],
      ['A3', 'gold', false, false],
      ['B1', 'rollstuhlplatz', true, false],
      ['B2', 'silver', false, false],
      ['B3', 'silver', false, false],
    ]);
    expect(seatLayout(plan)).toMatchObject({ accessibleSeats: [0, 3], companionSeats: [1] });
  });

  it('gives categories ids of their own, whatever their script', () => {
    const plan = changed((drawn) => {
      drawn.categories = [
        { name: 'Партер' },
        { name: 'Балкон' },
        { name: 'Gold' },
        { name: 'gold!' },
        { name: 'Café' },
      ];
      for (const row of drawn.zones[0]!.rows) for (const each of row.seats) each.category = 'Партер';
    });
    expect(planOf(plan).categories.map(({ id }) => id)).toEqual(['category', 'category-2', 'gold', 'gold-2', 'cafe']);
  });

  it('takes seats of one row name as one row, also when the file lists them apart', () => {
    const plan = changed((drawn) => {
      const [row] = drawn.zones[0]!.rows;
      const last = row!.seats.pop()!;
      drawn.zones[0]!.rows.push({ ...row!, seats: [last] });
    });
    expect(runsOf(planOf(plan))).toEqual([
      ['A1', 'A2', 'A3'],
      ['B1', 'B2', 'B3'],
    ]);
  });

  it('ranks seats by a good view: the middle before the sides, and neither the first row nor the last', () => {
    const rows = [...'ABCDEFGHIJ'].map((name, r) => ({
      name,
      seats: Array.from({ length: 11 }, (_, i) => [`${name}${i}`, { x: i * 25, y: r * 30 }] as const),
    }));
    const plan = planOf(pretixOf(rows));
    const { seatRanks } = seatLayout(plan);
    const rank = new Map(seatsOf(plan).map(({ id, index }) => [id, seatRanks[index]!]));
    expect(rank.get('E5')).toBe(0);
    expect(rank.get('E5')).toBeLessThan(rank.get('E0')!);
    expect(rank.get('E5')).toBeLessThan(rank.get('A5')!);
    expect(rank.get('A5')).toBeLessThan(rank.get('J5')!);
    // The same hall with the stage at the bottom of the drawing has the same good seats.
    const turned = planOf(
      pretixOf(
        rows.map((row) => ({ ...row, seats: row.seats.map(([id, at]) => [id, { x: at.x, y: -at.y }] as const) })),
      ),
    );
    const turnedRanks = seatLayout(turned).seatRanks;
    expect(Object.fromEntries(seatsOf(turned).map(({ id, index }) => [id, turnedRanks[index]]))).toEqual(
      Object.fromEntries(rank),
    );
  });
});

describe('neighbours', () => {
  const rowOf = (...xs: number[]) =>
    pretixOf([{ name: 'A', seats: xs.map((x, i) => [`s${i}`, { x, y: 0 }] as const) }]);
  const withFullRow = (...xs: number[]) =>
    pretixOf([
      { name: 'A', seats: xs.map((x, i) => [`s${i}`, { x, y: 0 }] as const) },
      { name: 'B', seats: Array.from({ length: 12 }, (_, i) => [`t${i}`, { x: i * 25, y: 40 }] as const) },
    ]);

  it('are parted by an aisle, also where every second gap is one', () => {
    expect(runsOf(planOf(rowOf(0, 25, 75, 100, 150, 175)))).toEqual([
      ['s0', 's1'],
      ['s2', 's3'],
      ['s4', 's5'],
    ]);
  });

  it('are parted by an aisle in a row of two, when other rows show how close neighbours sit', () => {
    expect(runsOf(planOf(withFullRow(0, 50))).slice(0, 2)).toEqual([['s0'], ['s1']]);
    expect(runsOf(planOf(withFullRow(0, 30)))[0]).toEqual(['s0', 's1']);
  });

  it('are parted where each seat of a row stands alone', () => {
    expect(runsOf(planOf(withFullRow(0, 50, 100, 150))).slice(0, 4)).toEqual([['s0'], ['s1'], ['s2'], ['s3']]);
  });

  it('sit in the lines in which rows run, also where the seat behind is nearer than the one beside', () => {
    const line = (name: string, y: number) =>
      Array.from({ length: 5 }, (_, i) => [`${name}${i}`, { x: i * 40 - y / 8, y }] as const);
    const plan = planOf(
      pretixOf([{ name: 'A', seats: [...line('rear', 62), ...line('front', 0), ...line('middle', 31)] }]),
    );
    expect(runsOf(plan)).toEqual(
      ['front', 'middle', 'rear'].map((name) => Array.from({ length: 5 }, (_, i) => `${name}${i}`)),
    );
  });

  it('sit side by side across categories', () => {
    const plan = changed((drawn) => void (seat(drawn, 0, 1).category = 'Silver'));
    expect(neighboursOf(planOf(plan))).toContain(pair('A1', 'A2'));
  });

  it('are found in a row that closes to a circle, which has to begin somewhere', () => {
    const seats = Array.from({ length: 24 }, (_, i) => {
      const angle = (i / 24) * 2 * Math.PI;
      return [`c${i}`, { x: 200 * Math.cos(angle), y: 200 * Math.sin(angle) }] as const;
    });
    const runs = runsOf(planOf(pretixOf([{ name: 'A', seats }])));
    expect(runs).toHaveLength(1);
    expect(runs[0]).toHaveLength(24);
  });
});

describe('a plan that is not valid', () => {
  it('is refused with every place at which a seat id stands that stands elsewhere too', () => {
    const plan = changed((drawn) => {
      seat(drawn, 1, 0).seat_guid = 'A1';
      seat(drawn, 1, 2).seat_guid = 'A1';
    });
    const errors = errorsOf(plan);
    const places = ['zones.0.rows.0.seats.0', 'zones.0.rows.1.seats.0', 'zones.0.rows.1.seats.2'];
    expect(errors.map(({ path }) => path)).toEqual(places.map((place) => `${place}.seat_guid`));
    for (const { message } of errors) for (const place of places) expect(message).toContain(place);
  });

  it('is refused with every place of a label that two seats have', () => {
    expect(pathsOf(changed((drawn) => void (seat(drawn, 0, 2).seat_number = '1')))).toEqual([
      'zones.0.rows.0.seats.0.seat_number',
      'zones.0.rows.0.seats.2.seat_number',
    ]);
  });

  it('is refused with both places of two seats that stand on the same spot', () => {
    expect(pathsOf(changed((drawn) => void (seat(drawn, 0, 2).position = { x: 50, y: 0 })))).toEqual([
      'zones.0.rows.0.seats.1.position',
      'zones.0.rows.0.seats.2.position',
    ]);
  });

  it('is refused with all its problems at once', () => {
    const plan = changed((drawn) => {
      seat(drawn, 0, 0).category = 'Platinum';
      seat(drawn, 0, 1).seat_guid = 'A1';
      seat(drawn, 1, 0).position = { x: 50, y: 0 };
      drawn.categories.push({ name: 'Gold' });
    });
    expect(pathsOf(plan).toSorted()).toEqual([
      'categories.0.name',
      'categories.2.name',
      'zones.0.rows.0.seats.0.category',
      'zones.0.rows.0.seats.0.seat_guid',
      'zones.0.rows.0.seats.1.seat_guid',
      'zones.0.rows.1.seats.0.position',
      'zones.0.rows.1.seats.1.position',
    ]);
  });

  const bad: Record<string, [path: string, change: (plan: SmallHall) => void]> = {
    'no seats': ['zones', (plan) => void (plan.zones[0]!.rows = [])],
    'no sections': ['zones', (plan) => void (plan.zones = [])],
    'a coordinate that is not a number': [
      'zones.0.rows.0.seats.0.position.x',
      (plan) => void (seat(plan, 0, 0).position.x = NaN),
    ],
    'an endless coordinate': ['zones.0.position.y', (plan) => void (plan.zones[0]!.position.y = Infinity)],
    'a coordinate off any drawing': [
      'zones.0.rows.1.position.x',
      (plan) => void (plan.zones[0]!.rows[1]!.position.x = 1e7),
    ],
    'a coordinate as text': [
      'zones.0.rows.0.seats.0.position.x',
      (plan) => Object.assign(seat(plan, 0, 0).position, { x: '5' }),
    ],
    'a field that the format does not have': [
      'zones.0.rows.0.seats.0',
      (plan) => Object.assign(seat(plan, 0, 0), { price: 5 }),
    ],
    'a seat without a category': [
      'zones.0.rows.0.seats.0.category',
      (plan) => Object.assign(seat(plan, 0, 0), { category: undefined }),
    ],
    'a seat id with a space at its end': [
      'zones.0.rows.0.seats.0.seat_guid',
      (plan) => void (seat(plan, 0, 0).seat_guid = '\n'),
    ],
    'a seat id longer than any call takes': [
      'zones.0.rows.0.seats.0.seat_guid',
      (plan) => void (seat(plan, 0, 0).seat_guid = 'x'.repeat(81)),
    ],
    'a name with a character that no database keeps': ['name', (plan) => void (plan.name = 'Hall\u0000')],
    'a name with half a character': ['name', (plan) => void (plan.name = 'Hall \ud83c')],
    'a name that is too long': ['name', (plan) => void (plan.name = 'x'.repeat(121))],
    'an empty name': ['name', (plan) => void (plan.name = ' ')],
    'a row name that asks to be replaced': [
      'zones.0.rows.0.row_number',
      (plan) => void (plan.zones[0]!.rows[0]!.row_number = '%s'),
    ],
    'a size that is not whole': ['size.width', (plan) => void (plan.size.width = 0.5)],
  };
  it.each(Object.entries(bad))('is refused for %s', (_what, [path, change]) => {
    expect(pathsOf(changed(change))).toContain(path);
  });

  it('is refused for more seats than one show can sell, and not for one seat fewer', () => {
    const rows = Array.from({ length: 200 }, (_, i) => rowOfSeats(PLAN_SEATS_MAX / 200, `R${i}`, i * 30));
    expect(errorsOf(changed((plan) => void (plan.zones[0]!.rows = rows)))).toEqual([]);
    rows.push(rowOfSeats(1, 'U'));
    expect(pathsOf(changed((plan) => void (plan.zones[0]!.rows = rows)))).toEqual(['zones']);
  });

  it('is refused for a row longer than any row', () => {
    const refused = changed((plan) => void (plan.zones[0]!.rows = [rowOfSeats(ROW_SEATS_MAX + 1)]));
    expect(pathsOf(refused)).toEqual(['zones.0.rows.0']);
  });

  it('lists a bounded number of problems, in bounded messages', () => {
    const rows = [...'ABC'].map((name) => rowOfSeats(900, name));
    for (const row of rows) for (const each of row.seats) each.seat_guid = 'XX';
    const errors = errorsOf(changed((plan) => void (plan.zones[0]!.rows = rows)));
    expect(errors).toHaveLength(PLAN_ERRORS_MAX + 1);
    expect(errors.at(-1)!.message).toBe('and 1700 more errors');
    expect(Math.max(...errors.map(({ message }) => message.length))).toBeLessThan(700);
    const odd = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`field${i}`, i]));
    expect(JSON.stringify(errorsOf({ ...smallHall(), ...odd })).length).toBeLessThan(1_000);
  });
});

/** Every value in a JSON document, as the object and key that hold it. */
function placesIn(value: unknown): [holder: Record<string, unknown>, key: string][] {
  if (value === null || typeof value !== 'object') return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [
    [holder, key] as [Record<string, unknown>, string],
    ...placesIn(holder[key]),
  ]);
}

const halls = demoHalls().map((each) => each.plan);
const townHall = halls[3]!;

describe('any document', () => {
  const spoil = fc.record({
    place: fc.nat(),
    value: fc.oneof(
      fc.jsonValue(),
      fc.constantFrom<unknown>(
        undefined,
        NaN,
        Infinity,
        -0,
        1e308,
        '',
        'A',
        'A1',
        '1',
        '__proto__',
        { x: 0, y: 0 },
        [],
      ),
    ),
  });

  it('is read without a throw, and what is accepted keeps every promise of a plan', () => {
    fc.assert(
      fc.property(fc.array(spoil, { minLength: 1, maxLength: 4 }), (changes) => {
        const json = structuredClone(townHall);
        for (const { place, value } of changes) {
          const places = placesIn(json);
          if (places.length === 0) return;
          const [holder, key] = places[place % places.length]!;
          holder[key] = value;
        }
        const parsed = parsePretixPlan(json);
        if (!parsed.ok) {
          expect(parsed.errors.length).toBeGreaterThan(0);
          return;
        }
        const seats = seatsOf(parsed.plan);
        const known = new Set(parsed.plan.categories.map(({ id }) => id));
        expect(new Set(seats.map(({ id }) => id)).size).toBe(seats.length);
        expect(new Set(seats.map(({ label }) => label)).size).toBe(seats.length);
        expect(new Set(seats.map(({ x, y }) => `${x} ${y}`)).size).toBe(seats.length);
        expect(
          seats.every(({ x, y, category }) => Number.isFinite(x) && Number.isFinite(y) && known.has(category)),
        ).toBe(true);
        expect(seats.map(({ index }) => index)).toEqual([...seats.keys()]);
        expect(seatLayout(parsed.plan).runLengths.reduce((sum, length) => sum + length, 0)).toBe(seats.length);
        expect(parsePretixPlan(toPretixPlan(parsed.plan))).toEqual(parsed);
      }),
      { numRuns: 150 },
    );
  });

  it('that is not a plan at all is refused', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue({ maxDepth: 8 }), fc.anything()), (json) => {
        expect(parsePretixPlan(json).ok).toBe(false);
      }),
    );
    const deep: unknown = JSON.parse('['.repeat(5_000) + ']'.repeat(5_000));
    expect(parsePretixPlan({ ...smallHall(), zones: deep }).ok).toBe(false);
  });
});

describe('export', () => {
  it('is the same plan when it is imported again', () => {
    const full = changed((plan) => {
      plan.categories.push({ name: 'Gold (wheelchair)' }, { name: 'Companions' });
      seat(plan, 0, 0).category = 'Gold (wheelchair)';
      seat(plan, 1, 0).category = 'Companions';
      Object.assign(plan.zones[0]!.rows[0]!, {
        row_label: 'Row %s',
        seat_label: 'Seat %s',
        row_number_position: 'both',
      });
      Object.assign(plan.zones[0]!, {
        areas: [
          { shape: 'circle', circle: { radius: 5 }, position: { x: 1, y: 2 }, color: 'red' },
          {
            shape: 'text',
            text: { text: 'Bar', position: { x: 0, y: 0 }, size: 12 },
            position: { x: 9, y: 9 },
            rotation: 45,
          },
          {
            shape: 'polygon',
            polygon: {
              points: [
                { x: 0, y: 0 },
                { x: 5, y: 0 },
                { x: 5, y: 5 },
              ],
            },
            border_color: '#000',
          },
          { shape: 'ellipse', ellipse: { radius: { x: 3, y: 4 } } },
          { shape: 'rectangle', rectangle: { width: 3, height: 4 } },
          {},
        ],
      });
    });
    for (const json of [full, smallHall(), ...halls]) {
      const plan = planOf(json);
      expect(planOf(JSON.parse(JSON.stringify(toPretixPlan(plan))))).toEqual(plan);
    }
  });

  it('keeps the neighbours of any hall', () => {
    fc.assert(
      fc.property(hall, ({ rows, neighbours }) => {
        const again = planOf(toPretixPlan(planOf(pretixOf(rows))));
        expect(neighboursOf(again)).toEqual(neighbours);
      }),
      { numRuns: 50 },
    );
  });
});
