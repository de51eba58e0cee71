import { z } from 'zod';
import { ROW_SEATS_MAX, rowsOfRuns, type Point } from './seat-neighbours.ts';
import {
  CATEGORIES_MAX,
  PLAN_SEATS_MAX,
  SEAT_ID_MAX,
  seatsOf,
  type PlanArea,
  type PlanCategory,
  type PlanRow,
  type PlanSeat,
  type PlanSection,
  type SeatingPlan,
} from './seating-plan.ts';

/**
 * pretix's seating-plan format (its JSON Schema, version 0.0.1), in and out. The format has no mark for accessible
 * seats: a category does it by its name. `Wheelchair` is a category of its own whose seats are all accessible;
 * `Gold (wheelchair)`, next to a category `Gold`, holds the accessible seats of Gold at Gold's price. Companion seats
 * go the same way: `Companion`, `Gold (companion)`.
 */

/** Bytes of a plan as JSON: 20,000 seats as pretix's editor writes them, with UUIDs and indented, take about 7 MB. */
export const PLAN_JSON_BYTES_MAX = 8 * 1024 * 1024;
/** Problems listed of one plan; a plan with more has one fault many times. */
export const PLAN_ERRORS_MAX = 1_000;
/** Characters of a message: it may quote what is wrong, and that may be anything. */
const MESSAGE_MAX = 500;
/** Longest name of a plan, section, row or category: fits a line of a ticket. */
const NAME_MAX = 120;
const SEAT_NUMBER_MAX = 20;
const COLOR_MAX = 64;
const AREA_TEXT_MAX = 200;
/** No drawing is larger, and up to here a thousandth of a unit is exact. */
const COORDINATE_MAX = 1_000_000;
/** Coordinates are kept to a thousandth of a unit: seats are drawn 10 units wide or so. */
const STEPS_PER_UNIT = 1_000;
/** Other shapes of a drawing, and corners of one: a drawing by hand has a few dozen. */
const AREAS_MAX = 1_000;
const CORNERS_MAX = 1_000;
const SECTIONS_MAX = 1_000;
/** Places named within one message; each place has an error of its own besides. */
const PLACES_NAMED_MAX = 10;

const coordinate = z.number().min(-COORDINATE_MAX).max(COORDINATE_MAX);
const extent = z.number().min(0).max(COORDINATE_MAX);
const position = z.strictObject({ x: coordinate, y: coordinate });
/** Text that a database keeps and a screen shows: no control characters but line breaks, no half characters. */
const text = (max: number) =>
  z
    .string()
    .trim()
    .max(max)
    .refine(
      (value) => value.isWellFormed() && !/(?![\t\n\r])\p{Cc}/u.test(value),
      'must not contain control characters',
    );
const name = text(NAME_MAX).min(1);
const uuid = text(NAME_MAX).optional();
const color = text(COLOR_MAX).optional();
/** A name that goes into another name where that has `%s`. */
const insertedName = (max: number) => text(max).refine((value) => !value.includes('%s'), 'must not contain %s');

const area = z.strictObject({
  color,
  border_color: color,
  rotation: z.number().min(-3_600).max(3_600).optional(),
  position: position.optional(),
  uuid,
  shape: z.enum(['polygon', 'rectangle', 'ellipse', 'circle', 'text']).optional(),
  polygon: z.strictObject({ points: z.array(position).max(CORNERS_MAX) }).optional(),
  rectangle: z.strictObject({ width: extent, height: extent }).optional(),
  ellipse: z.strictObject({ radius: position }).optional(),
  circle: z.strictObject({ radius: extent }).optional(),
  text: z.strictObject({ text: text(AREA_TEXT_MAX), color, size: extent.optional(), position }).optional(),
});

const seat = z.strictObject({
  seat_guid: text(SEAT_ID_MAX).regex(/^[^ ].*[^ ]$/, 'must have at least two characters, no space at either end'),
  seat_number: insertedName(SEAT_NUMBER_MAX).min(1),
  uuid,
  start_direction: z.string().max(2).nullish(),
  radius: extent.optional(),
  position,
  category: name,
});

const row = z.strictObject({
  row_number: insertedName(NAME_MAX),
  row_label: text(NAME_MAX).nullish(),
  seat_label: text(NAME_MAX).nullish(),
  uuid,
  seats: z.array(seat).max(PLAN_SEATS_MAX),
  row_number_position: z.enum(['start', 'end', 'both']).nullish(),
  position: position.optional(),
});

const zone = z.strictObject({
  name: text(NAME_MAX).optional(),
  zone_id: text(NAME_MAX).optional(),
  uuid,
  position,
  rows: z.array(row).max(PLAN_SEATS_MAX),
  areas: z.array(area).max(AREAS_MAX).optional(),
});

const document = z.strictObject({
  name,
  zones: z.array(zone).max(SECTIONS_MAX),
  categories: z.array(z.strictObject({ name, color })).max(CATEGORIES_MAX),
  size: z.strictObject({
    width: z.int().min(0).max(COORDINATE_MAX),
    height: z.int().min(0).max(COORDINATE_MAX),
  }),
});

/** A plan in pretix's format. */
export type PretixPlan = z.infer<typeof document>;
type PretixZone = PretixPlan['zones'][number];
type PretixRow = PretixZone['rows'][number];
type PretixSeat = PretixRow['seats'][number];
type PretixArea = z.infer<typeof area>;

export interface PlanError {
  /** Place in the document: `zones.0.rows.2.seats.5.category`; empty for the whole. */
  readonly path: string;
  readonly message: string;
}

export type ParsedPlan =
  { readonly ok: true; readonly plan: SeatingPlan } | { readonly ok: false; readonly errors: readonly PlanError[] };

/** A plan from pretix's JSON (already parsed), or every reason why it is none. Never throws. */
export function parsePretixPlan(json: unknown): ParsedPlan {
  const parsed = document.safeParse(json);
  if (!parsed.success) {
    return refused(
      parsed.error.issues.map(({ path, message }) => ({
        path: path.join('.'),
        message: message.slice(0, MESSAGE_MAX),
      })),
    );
  }
  const drawn = placedSeats(parsed.data);
  const errors = [
    ...sizeErrors(parsed.data, drawn.length),
    ...categoryErrors(parsed.data, drawn),
    ...repeated(drawn, 'seat id', 'seat_guid', (each) => each.seat.seat_guid),
    ...repeated(drawn, 'label', 'seat_number', (each) => each.label),
    ...repeated(drawn, 'place', 'position', (each) => `(${each.x}, ${each.y})`),
    ...rowErrors(drawn),
  ];
  return errors.length > 0 ? refused(errors) : { ok: true, plan: planOf(parsed.data, drawn) };
}

function refused(errors: readonly PlanError[]): ParsedPlan {
  if (errors.length <= PLAN_ERRORS_MAX) return { ok: false, errors };
  const more = errors.length - PLAN_ERRORS_MAX;
  return { ok: false, errors: [...errors.slice(0, PLAN_ERRORS_MAX), { path: '', message: `and ${more} more errors` }] };
}

/** A seat with all that its zone and row say about it. */
interface PlacedSeat extends Point {
  readonly path: string;
  readonly seat: PretixSeat;
  readonly zone: number;
  /** Rows of one zone with this key are one named row. */
  readonly rowKey: string;
  readonly row: PretixRow;
  readonly label: string;
}

function placedSeats(plan: PretixPlan): PlacedSeat[] {
  const several = plan.zones.length > 1;
  return plan.zones.flatMap((zone, z) =>
    zone.rows.flatMap((row, r) =>
      row.seats.map((seat, s): PlacedSeat => ({
        path: `zones.${z}.rows.${r}.seats.${s}`,
        seat,
        zone: z,
        rowKey: JSON.stringify([row.row_number, rowLabel(row), row.seat_label || null]),
        row,
        label: seatLabel(several ? sectionName(zone, z) : null, rowLabel(row), seat, row),
        x: sum(zone.position.x, row.position?.x, seat.position.x),
        y: sum(zone.position.y, row.position?.y, seat.position.y),
      })),
    ),
  );
}

const rounded = (value: number): number => Math.round(value * STEPS_PER_UNIT) / STEPS_PER_UNIT + 0;
const sum = (zone: number, row: number | undefined, seat: number): number => rounded(zone + (row ?? 0) + seat);
const sectionName = (zone: PretixZone, index: number): string => zone.name || zone.zone_id || `Section ${index + 1}`;
const rowLabel = (row: PretixRow): string => (row.row_label || '%s').replaceAll('%s', () => row.row_number);

function seatLabel(section: string | null, rowText: string, seat: PretixSeat, row: PretixRow): string {
  const seatText = (row.seat_label || '%s').replaceAll('%s', () => seat.seat_number);
  const inRow = row.seat_label ? `${rowText}, ${seatText}` : `${rowText}-${seatText}`;
  const inSection = rowText === '' ? seatText : inRow;
  return section === null ? inSection : `${section}, ${inSection}`;
}

function sizeErrors(plan: PretixPlan, count: number): PlanError[] {
  if (count === 0) return [{ path: 'zones', message: 'the plan has no seats' }];
  const areas = plan.zones.reduce((total, zone) => total + (zone.areas?.length ?? 0), 0);
  return [
    ...(count > PLAN_SEATS_MAX
      ? [{ path: 'zones', message: `the plan has ${count} seats; the most is ${PLAN_SEATS_MAX}` }]
      : []),
    ...(areas > AREAS_MAX ? [{ path: 'zones', message: `the plan has ${areas} areas; the most is ${AREAS_MAX}` }] : []),
  ];
}

function categoryErrors(plan: PretixPlan, seats: readonly PlacedSeat[]): PlanError[] {
  const known = new Set(plan.categories.map((category) => category.name));
  const twice = plan.categories.flatMap((category, i) =>
    plan.categories.filter((other) => other.name === category.name).length > 1
      ? [{ path: `categories.${i}.name`, message: `category ${category.name} is listed more than once` }]
      : [],
  );
  const unknown = seats
    .filter(({ seat }) => !known.has(seat.category))
    .map(({ path, seat }) => ({ path: `${path}.category`, message: `category ${seat.category} is not listed` }));
  return [...twice, ...unknown];
}

/** An error at every place where a value stands that stands elsewhere too; the message names the places. */
function repeated(
  seats: readonly PlacedSeat[],
  what: string,
  field: string,
  valueOf: (seat: PlacedSeat) => string,
): PlanError[] {
  const places = Map.groupBy(seats, valueOf);
  return seats.flatMap((seat) => {
    const all = places.get(valueOf(seat))!;
    if (all.length === 1) return [];
    const named = all.slice(0, PLACES_NAMED_MAX).map(({ path }) => path);
    const rest = all.length > named.length ? ` and ${all.length - named.length} more` : '';
    const message = `${what} ${valueOf(seat)} is given to ${all.length} seats: ${named.join(', ')}${rest}`;
    return [{ path: `${seat.path}.${field}`, message }];
  });
}

function rowErrors(seats: readonly PlacedSeat[]): PlanError[] {
  return [...Map.groupBy(seats, (seat) => `${seat.zone} ${seat.rowKey}`).values()].flatMap((all) =>
    all.length > ROW_SEATS_MAX
      ? [
          {
            path: all[0]!.path.replace(/\.seats\.\d+$/, ''),
            message: `row ${all[0]!.row.row_number} has ${all.length} seats; the most is ${ROW_SEATS_MAX}`,
          },
        ]
      : [],
  );
}

function planOf(source: PretixPlan, drawn: readonly PlacedSeat[]): SeatingPlan {
  const { categories, meaning } = categoriesOf(source.categories);
  const sectionIds = uniqueIds(source.zones.map((zone, i) => [zone.zone_id || sectionName(zone, i), 'section']));
  const named = source.zones.map((_, z) => [
    ...Map.groupBy(
      drawn.filter((each) => each.zone === z),
      (each) => each.rowKey,
    ).values(),
  ]);
  const rowIds = uniqueIds(
    named.flatMap((rows, z) => rows.map(([first]) => [`${sectionIds[z]!} ${first!.row.row_number}`, 'row'])),
  );
  const order = rowsOfRuns(named);
  let [nextIndex, nextRow] = [0, 0];
  const sections = source.zones.map((zone, z): PlanSection => ({
    id: sectionIds[z]!,
    name: sectionName(zone, z),
    rows: named[z]!.map((seats, r): PlanRow => {
      const { row } = seats[0]!;
      return {
        id: rowIds[nextRow++]!,
        name: row.row_number,
        label: rowLabel(row),
        seatLabel: row.seat_label || null,
        seats: order[z]![r]!.flat(2).map((at): PlanSeat => {
          const { seat, label, x, y } = seats[at]!;
          return {
            id: seat.seat_guid,
            index: nextIndex++,
            number: seat.seat_number,
            label,
            x,
            y,
            ...meaning.get(seat.category)!,
          };
        }),
      };
    }),
  }));
  const areas = source.zones.flatMap((zone) => (zone.areas ?? []).map((each) => areaOf(zone, each)));
  return { name: source.name, sections, categories, areas, size: source.size };
}

type SeatMeaning = Pick<PlanSeat, 'category' | 'accessible' | 'companion'>;

const accessibleWords =
  /wheel\s?-?chair|accessible|disabled|handicap|rollstuhl|barrierefrei|fauteuil roulant|\bpmr\b|инвалид/iu;
const companionWords = /companion|carer|caregiver|attendant|begleit|accompagna|сопровожд/iu;
const partOfCategory = /^(.*\S)\s*\(([^()]+)\)$/u;

const markOf = (text: string): Pick<PlanSeat, 'accessible' | 'companion'> => {
  const companion = companionWords.test(text);
  return { companion, accessible: !companion && accessibleWords.test(text) };
};

/** The plan's own categories, and what each name in the source means for a seat. */
function categoriesOf(source: PretixPlan['categories']): {
  categories: PlanCategory[];
  meaning: Map<string, SeatMeaning>;
} {
  const names = new Set(source.map((category) => category.name));
  const baseOf = (text: string): string => {
    const [, base, mark] = partOfCategory.exec(text) ?? [];
    if (base === undefined || mark === undefined || !names.has(base)) return text;
    const { accessible, companion } = markOf(mark);
    return accessible || companion ? base : text;
  };
  const own = source.filter((category) => baseOf(category.name) === category.name);
  const ids = uniqueIds(own.map((category) => [category.name, 'category']));
  const categories = own.map((category, i): PlanCategory => ({
    id: ids[i]!,
    name: category.name,
    ...(category.color === undefined ? {} : { color: category.color }),
  }));
  const idOf = new Map(categories.map((category) => [category.name, category.id]));
  const meaning = new Map(
    source.map(({ name }): [string, SeatMeaning] => [name, { category: idOf.get(baseOf(name))!, ...markOf(name) }]),
  );
  return { categories, meaning };
}

/** Lower-case letters, digits and hyphens; numbered where that leaves nothing or the same twice. */
function uniqueIds(names: readonly (readonly [name: string, fallback: string])[]): string[] {
  const taken = new Set<string>();
  return names.map(([text, fallback]) => {
    const slug = slugOf(text) || fallback;
    let id = slug;
    for (let n = 2; taken.has(id); n++) id = `${slug}-${n}`;
    taken.add(id);
    return id;
  });
}

const slugOf = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');

function areaOf(zone: PretixZone, source: PretixArea): PlanArea {
  return {
    x: sum(zone.position.x, source.position?.x, 0),
    y: sum(zone.position.y, source.position?.y, 0),
    rotation: source.rotation ?? 0,
    ...(source.color === undefined ? {} : { color: source.color }),
    ...(source.border_color === undefined ? {} : { borderColor: source.border_color }),
    shape: shapeOf(source),
    ...(source.text === undefined ? {} : { text: textOf(source.text) }),
  };
}

function shapeOf(source: PretixArea): PlanArea['shape'] {
  if (source.shape === 'polygon' && source.polygon) return { kind: 'polygon', points: source.polygon.points };
  if (source.shape === 'rectangle' && source.rectangle) return { kind: 'rectangle', ...source.rectangle };
  if (source.shape === 'ellipse' && source.ellipse) return { kind: 'ellipse', radius: source.ellipse.radius };
  if (source.shape === 'circle' && source.circle) return { kind: 'circle', radius: source.circle.radius };
  return { kind: source.shape === 'text' ? 'text' : 'none' };
}

const textOf = ({ text, position, color, size }: NonNullable<PretixArea['text']>): NonNullable<PlanArea['text']> => ({
  text,
  ...position,
  ...(color === undefined ? {} : { color }),
  ...(size === undefined ? {} : { size }),
});

/** The plan in pretix's format; parsed again it is the same plan. */
export function toPretixPlan(plan: SeatingPlan): PretixPlan {
  const nameOf = new Map(plan.categories.map((category) => [category.id, category.name]));
  const origin = { x: 0, y: 0 };
  const exported = (seat: PlanSeat): string => exportedCategory(nameOf.get(seat.category)!, seat);
  const listed = new Map<string, PlanCategory>(plan.categories.map((category) => [category.name, category]));
  for (const seat of seatsOf(plan)) {
    const name = exported(seat);
    if (!listed.has(name))
      listed.set(
        name,
        plan.categories.find(({ id }) => id === seat.category)!,
      );
  }
  return {
    name: plan.name,
    categories: [...listed].map(([name, { color }]) => ({ name, ...(color === undefined ? {} : { color }) })),
    zones: plan.sections.map((section, i) => ({
      name: section.name,
      zone_id: section.id,
      position: origin,
      rows: section.rows.map((row) => exportedRow(row, exported)),
      // A drawing's other shapes belong to no section; the first one carries them.
      ...(i === 0 && plan.areas.length > 0 ? { areas: plan.areas.map(exportedArea) } : {}),
    })),
    size: plan.size,
  };
}

/** A category whose name says what its seats are needs no part of its own for them. */
function exportedCategory(name: string, { accessible, companion }: PlanSeat): string {
  const mark = markOf(name);
  if (accessible && !mark.accessible) return `${name} (wheelchair)`;
  if (companion && !mark.companion) return `${name} (companion)`;
  return name;
}

const exportedRow = (row: PlanRow, category: (seat: PlanSeat) => string): PretixRow => ({
  row_number: row.name,
  ...(row.label === row.name ? {} : { row_label: row.label }),
  ...(row.seatLabel === null ? {} : { seat_label: row.seatLabel }),
  seats: row.seats.map((seat) => ({
    seat_guid: seat.id,
    seat_number: seat.number,
    position: { x: seat.x, y: seat.y },
    category: category(seat),
  })),
});

function exportedArea({ x, y, rotation, color, borderColor, shape, text }: PlanArea): PretixArea {
  return {
    position: { x, y },
    rotation,
    ...(color === undefined ? {} : { color }),
    ...(borderColor === undefined ? {} : { border_color: borderColor }),
    ...exportedShape(shape),
    ...(text === undefined ? {} : { text: exportedText(text) }),
  };
}

function exportedShape(shape: PlanArea['shape']): Partial<PretixArea> {
  switch (shape.kind) {
    case 'polygon':
      return { shape: 'polygon', polygon: { points: [...shape.points] } };
    case 'rectangle':
      return { shape: 'rectangle', rectangle: { width: shape.width, height: shape.height } };
    case 'ellipse':
      return { shape: 'ellipse', ellipse: { radius: shape.radius } };
    case 'circle':
      return { shape: 'circle', circle: { radius: shape.radius } };
    case 'text':
      return { shape: 'text' };
    case 'none':
      return {};
  }
}

const exportedText = ({ x, y, ...text }: NonNullable<PlanArea['text']>): NonNullable<PretixArea['text']> => ({
  ...text,
  position: { x, y },
});
