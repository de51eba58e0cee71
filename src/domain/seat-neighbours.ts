/**
 * Who sits next to whom. Seats are neighbours by their coordinates, never by their numbers: numbers run backwards in
 * every second row, skip, or start anew after an aisle, and one row name may stand for seats far apart. Nothing here
 * depends on the order of the seats or on how the drawing is turned, mirrored or moved.
 */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Direct neighbours in order along the row, as positions in the row's list of seats. An aisle ends a run. */
export type Run = readonly number[];
/** Runs that lie in one line (straight or curved), in order along it. */
export type PhysicalRow = readonly Run[];

/**
 * Seats of one named row: neighbours are searched pair by pair, so a row bounds the work. The longest rows of the
 * largest arenas have a few hundred seats.
 */
export const ROW_SEATS_MAX = 1_000;

/**
 * A gap wider than this many seat pitches is an aisle. Within a run real plans stay below 1.15 pitches (curves, hand
 * drawing), and the narrowest aisle that a person can pass, like the one empty cell of a grid, makes 2.
 */
const AISLE_PITCHES = 1.6;
/**
 * A row spaced wider than this, measured in pitches of the whole plan, is no row of wide seats (sofas, recliners) but
 * one of single seats with an aisle between each: the plan's pitch counts for it.
 */
const WIDE_ROW_PITCHES = 1.8;
/** Rows bend, but not by more than this from one seat to the next; it keeps rows behind each other apart. */
const TURN_MAX_COS = Math.cos((45 * Math.PI) / 180);
/** A row goes on behind an aisle in the direction in which it ended, give or take this. */
const AISLE_TURN_MAX_COS = Math.cos((30 * Math.PI) / 180);
/** Candidates looked at around a seat or the end of a run: on a square grid a seat has eight others around it. */
const CANDIDATES_MAX = 8;
/** Steps for which a line is followed to see how far it goes: enough to tell a row from what crosses it. */
const LINE_STEPS_MAX = 8;
/** Below this, links of a group of seats point in no common direction. */
const ANISOTROPY_MIN = 0.3;

/** Rows whose depth differs by less than a part of a unit are level: the rest is rounding. */
const DEPTHS_PER_UNIT = 100;

interface Link {
  readonly a: number;
  readonly b: number;
  readonly length: number;
  readonly cost: number;
}

/** Direction as a vector of doubled angle, so that opposite directions add up instead of cancelling. */
interface Axis {
  readonly cos2: number;
  readonly sin2: number;
  readonly weight: number;
}

/**
 * Physical rows and runs of every named row of a plan (`sections[i][j]` = the seats of row j of section i): from top to
 * bottom and from left to right of the drawing, or, where rows stand upright, from left to right and from top to bottom.
 */
export function rowsOfRuns(sections: readonly (readonly (readonly Point[])[])[]): PhysicalRow[][][] {
  // Ties are settled by place in the drawing, not by place in the list.
  const orders = sections.map((rows) => rows.map(drawingOrder));
  const sorted = sections.map((rows, s) => rows.map((row, r) => orders[s]![r]!.map((seat) => row[seat]!)));
  return rowsOfSorted(sorted).map((rows, s) =>
    rows.map((row, r) => row.map((runs) => runs.map((run) => run.map((seat) => orders[s]![r]![seat]!)))),
  );
}

const drawingOrder = (points: readonly Point[]): number[] =>
  [...points.keys()].sort((a, b) => points[a]!.x - points[b]!.x || points[a]!.y - points[b]!.y);

function rowsOfSorted(sections: readonly (readonly (readonly Point[])[])[]): PhysicalRow[][][] {
  const nearest = sections.map((rows) => rows.map(nearestDistances));
  const planPitch = lowerMedian(nearest.flat(2));
  const groups = sections.map((rows, s) => rows.map((row, r) => linksOf(row, rowPitch(nearest[s]![r]!, planPitch))));
  const planAxis = sumOfAxes(groups.flat().map((group) => group.axis));
  return sections.map((rows, s) => {
    const sectionAxis = sumOfAxes(groups[s]!.map((group) => group.axis));
    return rows.map((row, r) => {
      const { links, axis } = groups[s]![r]!;
      const along = directionOf([axis, sectionAxis, planAxis]);
      return physicalRows(row, links, along);
    });
  });
}

/** Pitch of a row from the distance of each seat to its nearest: most seats have a direct neighbour, aisles or not. */
function rowPitch(nearest: readonly number[], planPitch: number): number {
  const own = lowerMedian(nearest);
  return own > WIDE_ROW_PITCHES * planPitch ? planPitch : own;
}

/** Empty for a single seat: it has no distance to tell. */
function nearestDistances(points: readonly Point[]): number[] {
  if (points.length < 2) return [];
  const nearest = new Array<number>(points.length).fill(Infinity);
  for (let a = 0; a < points.length; a++) {
    for (let b = a + 1; b < points.length; b++) {
      const length = distance(points[a]!, points[b]!);
      if (length < nearest[a]!) nearest[a] = length;
      if (length < nearest[b]!) nearest[b] = length;
    }
  }
  return nearest;
}

/** Links between seats that are near enough to be neighbours, and the direction in which most of them point. */
function linksOf(points: readonly Point[], pitch: number): { links: readonly Link[]; axis: Axis } {
  const around = points.map((point, a) => nearestWithin(points, point, a, pitch * AISLE_PITCHES));
  const links: Link[] = [];
  for (const [a, others] of around.entries()) {
    for (const b of others) {
      // A link that only one end counts among its nearest is kept too, once.
      if (a > b && around[b]!.includes(a)) continue;
      const length = distance(points[a]!, points[b]!);
      const line = 1 + lineLength(points, around, a, b) + lineLength(points, around, b, a);
      // The longer line is the row; what ends after a step or two crosses it.
      links.push({ a, b, length, cost: length / Math.min(line, LINE_STEPS_MAX) });
    }
  }
  return { links, axis: axisOf(points, links, pitch) };
}

function nearestWithin(points: readonly Point[], from: Point, self: number, reach: number): number[] {
  const found: { seat: number; length: number }[] = [];
  for (const [seat, point] of points.entries()) {
    if (seat === self) continue;
    const length = distance(from, point);
    if (length <= reach) found.push({ seat, length });
  }
  found.sort((a, b) => a.length - b.length);
  return found.slice(0, CANDIDATES_MAX).map((each) => each.seat);
}

/** How many steps the line from `a` to `b` goes on beyond `b` without a sharp turn. */
function lineLength(points: readonly Point[], around: readonly (readonly number[])[], a: number, b: number): number {
  let [from, to] = [a, b];
  for (let steps = 0; steps < LINE_STEPS_MAX; steps++) {
    const ahead = between(points[from]!, points[to]!);
    let next = -1;
    let straightest = AISLE_TURN_MAX_COS;
    for (const candidate of around[to]!) {
      const cos = cosine(ahead, between(points[to]!, points[candidate]!));
      if (cos > straightest) [next, straightest] = [candidate, cos];
    }
    if (next === -1) return steps;
    [from, to] = [to, next];
  }
  return LINE_STEPS_MAX;
}

function axisOf(points: readonly Point[], links: readonly Link[], pitch: number): Axis {
  let [cos2, sin2, weight] = [0, 0, 0];
  for (const { a, b, cost } of links) {
    const { x, y } = between(points[a]!, points[b]!);
    const w = (pitch / cost) ** 2 / (x * x + y * y);
    cos2 += w * (x * x - y * y);
    sin2 += w * 2 * x * y;
    weight += w * (x * x + y * y);
  }
  return { cos2, sin2, weight };
}

const sumOfAxes = (axes: readonly Axis[]): Axis =>
  axes.reduce(
    (sum, axis) => ({ cos2: sum.cos2 + axis.cos2, sin2: sum.sin2 + axis.sin2, weight: sum.weight + axis.weight }),
    { cos2: 0, sin2: 0, weight: 0 },
  );

/** Unit vector of the first axis that is clear, pointing right (or down); to the right when none is. */
function directionOf(axes: readonly Axis[]): Point {
  const clear = axes.find((axis) => Math.hypot(axis.cos2, axis.sin2) > ANISOTROPY_MIN * axis.weight);
  if (clear === undefined) return { x: 1, y: 0 };
  const angle = Math.atan2(clear.sin2, clear.cos2) / 2;
  const direction = { x: Math.cos(angle), y: Math.sin(angle) };
  const pointsBack = Math.abs(direction.x) > 1e-6 ? direction.x < 0 : direction.y < 0;
  return pointsBack ? { x: -direction.x, y: -direction.y } : direction;
}

function physicalRows(points: readonly Point[], links: readonly Link[], along: Point): PhysicalRow[] {
  const runs = chains(
    points.length,
    links
      .map((link) => ({ ...link, cost: link.cost * leaningCost(points[link.a]!, points[link.b]!, along) }))
      .sort((a, b) => a.cost - b.cost),
    (at, from, to) => cosine(between(points[from]!, points[at]!), between(points[at]!, points[to]!)) >= TURN_MAX_COS,
  );
  const rows = joinRuns(points, runs, along).map((row) => facing(points, row, along));
  const across = { x: -along.y, y: along.x };
  return rows
    .map((row) => ({
      row,
      depth: Math.round(dot(centre(points, row.flat()), across) * DEPTHS_PER_UNIT),
      start: dot(points[row[0]![0]!]!, along),
    }))
    .sort((a, b) => a.depth - b.depth || a.start - b.start)
    .map(({ row }) => row);
}

/** Settles only what is a tie otherwise: among seats in a square, links along the row direction come first. */
const leaningCost = (a: Point, b: Point, along: Point): number => {
  const cos = cosine(between(a, b), along);
  return 1 + 0.1 * (1 - cos * cos);
};

/** Chains of 0..count-1 by the cheapest links, each element having at most two, and never closing a circle. */
function chains(
  count: number,
  links: readonly { readonly a: number; readonly b: number }[],
  mayPass: (at: number, from: number, to: number) => boolean,
): number[][] {
  const linked = Array.from({ length: count }, (): number[] => []);
  const chainOf = disjointSets(count);
  const accepts = (at: number, to: number): boolean => {
    const others = linked[at]!;
    return others.length === 0 || (others.length === 1 && mayPass(at, others[0]!, to));
  };
  for (const { a, b } of links) {
    if (!accepts(a, b) || !accepts(b, a) || chainOf.find(a) === chainOf.find(b)) continue;
    linked[a]!.push(b);
    linked[b]!.push(a);
    chainOf.join(a, b);
  }
  return walkChains(linked);
}

function walkChains(linked: readonly (readonly number[])[]): number[][] {
  const seen = new Set<number>();
  const found: number[][] = [];
  for (const [start, others] of linked.entries()) {
    if (others.length > 1 || seen.has(start)) continue;
    const chain: number[] = [];
    for (let at: number | undefined = start; at !== undefined; at = linked[at]!.find((next) => !seen.has(next))) {
      seen.add(at);
      chain.push(at);
    }
    found.push(chain);
  }
  return found;
}

/** Runs that continue each other across aisles become one row. Ends of run i: 2i its first seat, 2i + 1 its last. */
function joinRuns(points: readonly Point[], runs: readonly (readonly number[])[], along: Point): PhysicalRow[] {
  const ends = runs.flatMap((run) => runEnds(points, run, along));
  const links = ends.flatMap((end, i) => continuations(ends, end, i)).sort((a, b) => a.cost - b.cost);
  const next = new Array<number>(ends.length).fill(-1);
  const rowOf = disjointSets(runs.length);
  for (const { a, b } of links) {
    const [runA, runB] = [a >> 1, b >> 1];
    if (next[a] !== -1 || next[b] !== -1 || rowOf.find(runA) === rowOf.find(runB)) continue;
    [next[a], next[b]] = [b, a];
    rowOf.join(runA, runB);
  }
  return walkRows(runs, next);
}

interface RunEnd {
  readonly at: Point;
  readonly outward: Point;
}

function runEnds(points: readonly Point[], run: readonly number[], along: Point): [RunEnd, RunEnd] {
  const [first, last] = [points[run[0]!]!, points[run.at(-1)!]!];
  if (run.length === 1) {
    return [
      { at: first, outward: { x: -along.x, y: -along.y } },
      { at: first, outward: along },
    ];
  }
  return [
    { at: first, outward: between(points[run[1]!]!, first) },
    { at: last, outward: between(points[run.at(-2)!]!, last) },
  ];
}

/** The nearest ends that lie straight ahead of this one, and for which it lies straight ahead. */
function continuations(ends: readonly RunEnd[], end: RunEnd, i: number): { a: number; b: number; cost: number }[] {
  const found: { a: number; b: number; cost: number }[] = [];
  for (const [j, other] of ends.entries()) {
    if (j >> 1 === i >> 1) continue;
    const gap = between(end.at, other.at);
    const [leaving, arriving] = [cosine(end.outward, gap), -cosine(other.outward, gap)];
    if (leaving < AISLE_TURN_MAX_COS || arriving < AISLE_TURN_MAX_COS) continue;
    const bend = 2 - leaving * leaving - arriving * arriving;
    found.push({ a: i, b: j, cost: Math.hypot(gap.x, gap.y) * (1 + 4 * bend) });
  }
  return found.sort((a, b) => a.cost - b.cost).slice(0, CANDIDATES_MAX);
}

function walkRows(runs: readonly (readonly number[])[], next: readonly number[]): PhysicalRow[] {
  const seen = new Set<number>();
  const rows: Run[][] = [];
  for (let start = 0; start < next.length; start++) {
    if (next[start] !== -1 || seen.has(start >> 1)) continue;
    const row: Run[] = [];
    for (let entry = start; entry !== -1; entry = next[entry ^ 1]!) {
      const run = runs[entry >> 1]!;
      seen.add(entry >> 1);
      row.push(entry & 1 ? run.toReversed() : run);
    }
    rows.push(row);
  }
  return rows;
}

function facing(points: readonly Point[], row: PhysicalRow, along: Point): PhysicalRow {
  const [first, last] = [points[row[0]![0]!]!, points[row.at(-1)!.at(-1)!]!];
  return dot(between(first, last), along) >= 0 ? row : row.toReversed().map((run) => run.toReversed());
}

function disjointSets(count: number): { find: (a: number) => number; join: (a: number, b: number) => void } {
  const parent = Array.from({ length: count }, (_, i) => i);
  const find = (a: number): number => {
    let root = a;
    while (parent[root] !== root) root = parent[root] = parent[parent[root]!]!;
    return root;
  };
  return { find, join: (a, b) => void (parent[find(a)] = find(b)) };
}

/** The lower of the two middle values, so that half a row of pairs counts, not the aisles. Infinity when empty. */
function lowerMedian(values: readonly number[]): number {
  if (values.length === 0) return Infinity;
  return values.toSorted((a, b) => a - b)[(values.length - 1) >> 1]!;
}

const { sqrt } = Math;
const between = (from: Point, to: Point): Point => ({ x: to.x - from.x, y: to.y - from.y });
/** Not `Math.hypot`, which takes many times as long: this is called for every two seats of a row. */
const distance = (a: Point, b: Point): number => sqrt((b.x - a.x) ** 2 + (b.y - a.y) ** 2);
const dot = (a: Point, b: Point): number => a.x * b.x + a.y * b.y;
const cosine = (a: Point, b: Point): number => dot(a, b) / sqrt(dot(a, a) * dot(b, b));
const centre = (points: readonly Point[], seats: readonly number[]): Point => ({
  x: seats.reduce((sum, seat) => sum + points[seat]!.x, 0) / seats.length,
  y: seats.reduce((sum, seat) => sum + points[seat]!.y, 0) / seats.length,
});
