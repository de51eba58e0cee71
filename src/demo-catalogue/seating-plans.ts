import type { PretixPlan } from '../domain/pretix-plan.ts';
import {
  AISLE,
  arc,
  below,
  drawnPlan,
  range,
  rowName,
  straight,
  wedgeSeats,
  type DrawnRow,
  type DrawnSection,
  type Facing,
} from './plan-drawing.ts';

/** A hall of the demo catalogue: nobody's real one, drawn so that each shape of seating appears once at least. */
export interface DemoHall {
  readonly key: string;
  /** In pretix's format, imported like any other plan. */
  readonly plan: PretixPlan;
  /** Price of each category by name, in multiples of a city's base price. */
  readonly priceLevels: Readonly<Record<string, number>>;
  /** How films are shown here. */
  readonly format: string;
}

interface Category {
  readonly name: string;
  readonly color: string;
  readonly level: number;
}

/** Depth of a row with its legroom. */
const DEPTH = 30;
const teal = '#1b7f79';
const gold = '#b8860b';
const plum = '#7b3f8c';
const blue = '#2f5f9e';
const grey = '#5f6b76';

/** Every hall, drawn anew: the same each time. */
export const demoHalls = (): DemoHall[] => [
  studio(),
  multiplexHall(),
  sofaLounge(),
  townHall(),
  giantScreen(),
  curvedTheatre(),
  operaHouse(),
  concertHall(),
  festivalHall(),
  roundArena(),
];

function hall(
  key: string,
  name: string,
  format: string,
  sections: readonly DrawnSection[],
  categories: readonly Category[],
  stage: Parameters<typeof drawnPlan>[3],
): DemoHall {
  return {
    key,
    format,
    plan: drawnPlan(name, sections, categories, stage),
    priceLevels: Object.fromEntries(categories.map((category) => [category.name, category.level])),
  };
}

const screen = (width: number) => ({ label: 'Screen', x: 0, y: 0, width, height: 16 });

/** One block without an aisle; wheelchair places at both ends of the first row. */
function studio(): DemoHall {
  const rows = range(6).map((i): DrawnRow => ({
    name: rowName(i),
    places: straight([10], 120 + i * DEPTH),
    category: i < 5 ? 'Standard' : 'Recliner',
    ...(i === 0 ? { wheelchairs: [0, 9], companions: [1, 8] } : {}),
  }));
  const categories = [
    { name: 'Standard', color: teal, level: 1 },
    { name: 'Recliner', color: gold, level: 1.5 },
  ];
  return hall('studio', 'Studio', '2D', [{ name: 'Hall', rows }], categories, screen(200));
}

/** Three blocks, two aisles, a cross aisle in front of the dearer rows. */
function multiplexHall(): DemoHall {
  const rows = range(12).map((i): DrawnRow => ({
    name: rowName(i),
    places: straight([3, 9, 3], 140 + i * DEPTH + (i >= 4 ? AISLE : 0)),
    category: i < 4 ? 'Classic' : i < 10 ? 'Prime' : 'Premium',
    ...(i === 4 ? { wheelchairs: [3, 11], companions: [4, 10] } : {}),
  }));
  const categories = [
    { name: 'Classic', color: teal, level: 1 },
    { name: 'Prime', color: blue, level: 1.25 },
    { name: 'Premium', color: gold, level: 1.6 },
  ];
  return hall('multiplex', 'Multiplex hall', '2D', [{ name: 'Hall', rows }], categories, screen(320));
}

/** Sofas for two with a way between all of them, behind rows of recliners; numbered from right to left. */
function sofaLounge(): DemoHall {
  const fromTheRight = (place: number, count: number): number => count - place;
  const recliners = range(3).map((i): DrawnRow => ({
    name: rowName(i),
    places: straight([5, 5], 130 + i * 40, { pitch: 38, aisle: 60 }),
    category: 'Recliner',
    number: fromTheRight,
    ...(i === 2 ? { wheelchairs: [0, 9], companions: [1, 8] } : {}),
  }));
  const sofas = range(6).map((i): DrawnRow => ({
    name: rowName(3 + i),
    places: straight([2, 2, 2, 2, 2, 2], 270 + i * 45, { pitch: 26, aisle: 34 }),
    category: 'Couple sofa',
    number: fromTheRight,
  }));
  const categories = [
    { name: 'Recliner', color: blue, level: 1.6 },
    { name: 'Couple sofa', color: plum, level: 2 },
  ];
  const rows = [...recliners, ...sofas];
  return hall('sofas', 'Lounge with sofas', '2D', [{ name: 'Lounge', rows }], categories, screen(300));
}

/** Numbers run on in a serpentine through the hall; rows C to J have box seats far to the right under the same name. */
function townHall(): DemoHall {
  const perRow = 18;
  const rows = range(12).map((i): DrawnRow => {
    const distance = 140 + i * DEPTH;
    const boxes = i >= 2 && i < 10 ? straight([3], distance, { shift: 480 }) : [];
    return {
      name: rowName(i),
      places: [...straight([9, 9], distance), ...boxes],
      category: i < 8 ? 'Parquet' : 'Rear parquet',
      number: (place) => {
        if (place >= perRow) return 12 * perRow + (i - 2) * 3 + (place - perRow) + 1;
        return i % 2 === 0 ? i * perRow + place + 1 : (i + 1) * perRow - place;
      },
      ...(i === 0 ? { wheelchairs: [0, 17], companions: [1, 16] } : {}),
    };
  });
  const categories = [
    { name: 'Parquet', color: teal, level: 1.2 },
    { name: 'Rear parquet', color: grey, level: 0.9 },
  ];
  const stage = { label: 'Stage', x: 0, y: 20, width: 360, height: 90 };
  return hall('town-hall', 'Town hall', '2D', [{ name: 'Hall', rows }], categories, stage);
}

/** Wide rows, slightly curved, two aisles. */
function giantScreen(): DemoHall {
  const rows = range(14).map((i): DrawnRow => ({
    name: rowName(i),
    places: arc([6 + (i >> 2), 14, 6 + (i >> 2)], 700 + i * 32),
    category: i < 5 ? 'Front' : i < 11 ? 'Centre' : 'Premium',
    ...(i === 5 ? { wheelchairs: [7, 20], companions: [8, 19] } : {}),
  }));
  const categories = [
    { name: 'Front', color: grey, level: 1.1 },
    { name: 'Centre', color: teal, level: 1.5 },
    { name: 'Premium', color: gold, level: 1.9 },
  ];
  const wide = { label: 'Screen', x: 0, y: 520, width: 620, height: 16 };
  return hall('giant-screen', 'Giant screen', 'IMAX', [{ name: 'Hall', rows }], categories, wide);
}

/** A row of wedges: as many seats as fit between the aisles at this radius. */
const wedges = (radius: number, degrees: readonly number[], facing: Facing = below) =>
  arc(
    degrees.map((width) => wedgeSeats(radius, width)),
    radius,
    { facing },
  );

/** Curved stalls and a balcony; even numbers to the left of the middle, odd ones to the right. */
function curvedTheatre(): DemoHall {
  const fromTheMiddle = (place: number, count: number): number => {
    const left = count >> 1;
    return place < left ? (left - place) * 2 : (place - left) * 2 + 1;
  };
  const stalls = range(16).map((i): DrawnRow => ({
    name: rowName(i),
    places: wedges(500 + i * DEPTH, [16, 30, 16]),
    category: i < 9 ? 'Stalls' : 'Rear stalls',
    number: fromTheMiddle,
    ...(i === 15 ? { wheelchairs: [0, 3], companions: [1, 2] } : {}),
  }));
  const balcony = range(7).map((i): DrawnRow => ({
    name: rowName(i),
    places: wedges(1_070 + i * DEPTH, [18, 32, 18]),
    category: 'Balcony',
    number: fromTheMiddle,
  }));
  const sections = [
    { name: 'Stalls', rows: stalls },
    { name: 'Balcony', prefix: 'B-', rows: balcony },
  ];
  const categories = [
    { name: 'Stalls', color: gold, level: 1.8 },
    { name: 'Rear stalls', color: teal, level: 1.4 },
    { name: 'Balcony', color: blue, level: 1 },
  ];
  const stage = { label: 'Stage', x: 0, y: 380, width: 420, height: 110 };
  return hall('curved-theatre', 'Theatre with balcony', '2D', sections, categories, stage);
}

/** A horseshoe: stalls, two circles, and boxes along both walls. */
function operaHouse(): DemoHall {
  const tier = (count: number, radius: number, degrees: readonly number[], category: string): DrawnRow[] =>
    range(count).map((i) => ({ name: rowName(i), places: wedges(radius + i * DEPTH, degrees), category }));
  const boxes = (side: 'L' | 'R'): DrawnRow[] =>
    range(6).map((i) => ({
      name: `${side}${i + 1}`,
      places: straight([4], 680, { facing: { centre: { x: 0, y: 40 + i * 140 }, direction: side === 'L' ? 180 : 0 } }),
      category: 'Box',
    }));
  const stalls = tier(16, 260, [25, 40, 25], 'Stalls').map((row, i) =>
    i === 15 ? { ...row, wheelchairs: [0, 9], companions: [1, 8] } : row,
  );
  const sections = [
    { name: 'Stalls', rows: stalls },
    { name: 'Boxes', prefix: 'X-', rows: [...boxes('L'), ...boxes('R')] },
    { name: 'Dress circle', prefix: 'D-', rows: tier(5, 1_080, [24, 36, 24], 'Dress circle') },
    { name: 'Upper circle', prefix: 'U-', rows: tier(5, 1_280, [24, 36, 24], 'Upper circle') },
  ];
  const categories = [
    { name: 'Stalls', color: gold, level: 3 },
    { name: 'Box', color: plum, level: 3.5 },
    { name: 'Dress circle', color: teal, level: 2.2 },
    { name: 'Upper circle', color: grey, level: 1.2 },
  ];
  const stage = { label: 'Stage', x: 0, y: 80, width: 460, height: 180 };
  return hall('opera', 'Opera house', 'Live orchestra', sections, categories, stage);
}

/** Terraces on all sides of the stage, each looking at it: rows level, upright and slanted. */
function concertHall(): DemoHall {
  const terrace = (
    name: string,
    prefix: string,
    facing: Facing,
    rows: number,
    blocks: readonly number[],
    from: number,
    category: string,
  ): DrawnSection => ({
    name,
    prefix,
    rows: range(rows).map((i) => ({
      name: rowName(i),
      places: straight(blocks, from + i * DEPTH, { facing }),
      category,
      ...(i === rows - 1 ? { wheelchairs: [0], companions: [1] } : {}),
    })),
  });
  const towards = (direction: number): Facing => ({ centre: { x: 0, y: 0 }, direction });
  const sections = [
    terrace('Stalls', '', below, 16, [8, 14, 8], 260, 'Stalls'),
    terrace('Terrace left', 'L-', towards(180), 12, [22], 480, 'Terrace'),
    terrace('Terrace right', 'R-', towards(0), 12, [22], 480, 'Terrace'),
    terrace('Corner left', 'CL-', towards(135), 8, [16], 1_010, 'Terrace'),
    terrace('Corner right', 'CR-', towards(45), 8, [16], 1_010, 'Terrace'),
    terrace('Choir', 'K-', towards(270), 8, [12, 12], 220, 'Choir'),
    terrace('Upper terrace', 'U-', below, 12, [12, 16, 12], 810, 'Upper terrace'),
  ];
  const categories = [
    { name: 'Stalls', color: gold, level: 2.6 },
    { name: 'Terrace', color: teal, level: 2 },
    { name: 'Upper terrace', color: blue, level: 1.5 },
    { name: 'Choir', color: grey, level: 1 },
  ];
  const stage = { label: 'Stage', x: 0, y: 0, width: 520, height: 300 };
  return hall('concert-hall', 'Concert hall in terraces', 'Live orchestra', sections, categories, stage);
}

/** A fan of four blocks on two levels, more than 3,000 seats. */
function festivalHall(): DemoHall {
  const degrees = [22, 24, 24, 22];
  const parquet = range(34).map((i): DrawnRow => ({
    name: rowName(i),
    places: wedges(420 + i * DEPTH, degrees),
    category: i < 10 ? 'Front' : i < 24 ? 'Middle' : 'Rear',
    ...(i === 33 ? { wheelchairs: [0, 3, 6], companions: [1, 2, 7] } : {}),
  }));
  const balcony = range(14).map((i): DrawnRow => ({
    name: rowName(i),
    places: wedges(1_560 + i * DEPTH, degrees),
    category: 'Balcony',
  }));
  const sections = [
    { name: 'Parquet', rows: parquet },
    { name: 'Balcony', prefix: 'B-', rows: balcony },
  ];
  const categories = [
    { name: 'Front', color: gold, level: 2.4 },
    { name: 'Middle', color: teal, level: 1.8 },
    { name: 'Rear', color: blue, level: 1.3 },
    { name: 'Balcony', color: grey, level: 1 },
  ];
  const stage = { label: 'Stage', x: 0, y: 240, width: 480, height: 160 };
  return hall('festival-hall', 'Festival hall', 'Live orchestra', sections, categories, stage);
}

/** Sections all around a stage in the middle, on the floor and in two rings, more than 10,000 seats. */
function roundArena(): DemoHall {
  const ring = (first: number, count: number, rows: number, radius: number, categoryOf: (row: number) => string) =>
    range(count).map((s): DrawnSection => {
      const width = 360 / count;
      const facing = { centre: { x: 0, y: 0 }, direction: 90 + s * width };
      return {
        name: `Section ${first + s}`,
        prefix: `${first + s}-`,
        rows: range(rows).map((i) => ({
          name: rowName(i),
          places: wedges(radius + i * DEPTH, [width], facing),
          category: categoryOf(i),
          ...(first === 101 && i === rows - 1 && s % 2 === 0 ? { wheelchairs: [0], companions: [1] } : {}),
        })),
      };
    });
  const sections = [
    ...ring(1, 8, 8, 210, () => 'Floor'),
    ...ring(101, 24, 16, 520, () => 'Lower ring'),
    ...ring(201, 24, 25, 1_090, (row) => (row < 12 ? 'Upper ring' : 'Upper ring, rear')),
  ];
  const categories = [
    { name: 'Floor', color: gold, level: 3 },
    { name: 'Lower ring', color: teal, level: 2.2 },
    { name: 'Upper ring', color: blue, level: 1.4 },
    { name: 'Upper ring, rear', color: grey, level: 0.9 },
  ];
  const stage = { label: 'Stage', x: 0, y: 0, width: 240, height: 240 };
  return hall('arena', 'Round arena', 'Live orchestra', sections, categories, stage);
}
