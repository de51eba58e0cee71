import type { Point } from './seat-neighbours.ts';
import { seatsOf, type PlanArea, type SeatingPlan } from './seating-plan.ts';

/** Of the depth of the hall: the best seats are neither right in front nor far back. */
const GOOD_DEPTH = 0.4;
/** A seat off the centre line is as good as one this many times further from the good depth. */
const SIDEWAYS_WEIGHT = 1.3;
/** Ranks 0..200: neighbours mostly differ, a rank needs no more than three characters in the workflow's input. */
const RANK_MAX = 200;
/** A stage nearer to the middle of all seats than this part of the hall's reach stands among them: there is no centre line. */
const ROUND_STAGE = 0.35;

const stageWords =
  /\b(stage|screen|podium|ring|pitch|orchestra pit|b[uü]hne|leinwand|sc[eè]ne|[eé]cran|escenario|pantalla)\b|сцена|экран/iu;

/**
 * Rank of each seat in index order, 0 = best: how far it is from the centre line and from a good distance to the stage
 * or screen. The stage is the plan's area that says so; otherwise it is taken to be in front of the first rows.
 */
export function seatRanks(plan: SeatingPlan): number[] {
  const seats = seatsOf(plan);
  const middle = mean(seats);
  const stage = stageOf(plan) ?? guessedStage(plan, middle);
  const reach = Math.max(...seats.map((seat) => Math.hypot(seat.x - middle.x, seat.y - middle.y)), 1);
  const axis = { x: middle.x - stage.x, y: middle.y - stage.y };
  const length = Math.hypot(axis.x, axis.y);
  const places = seats.map((seat): Place => {
    const [dx, dy] = [seat.x - stage.x, seat.y - stage.y];
    if (length < ROUND_STAGE * reach) return { depth: Math.hypot(dx, dy), sideways: 0 };
    return { depth: (dx * axis.x + dy * axis.y) / length, sideways: Math.abs(dx * axis.y - dy * axis.x) / length };
  });
  return ranksOf(places);
}

interface Place {
  readonly depth: number;
  readonly sideways: number;
}

function ranksOf(places: readonly Place[]): number[] {
  const depths = places.map((place) => place.depth);
  const nearest = Math.min(...depths);
  const good = nearest + GOOD_DEPTH * (Math.max(...depths) - nearest);
  const losses = places.map(({ depth, sideways }) => Math.hypot(depth - good, sideways / SIDEWAYS_WEIGHT));
  const [least, most] = [Math.min(...losses), Math.max(...losses)];
  const span = most - least;
  return losses.map((loss) => (span === 0 ? 0 : Math.round(((loss - least) / span) * RANK_MAX)));
}

/** Middle of the largest area that is called a stage, or a screen. */
function stageOf(plan: SeatingPlan): Point | undefined {
  return plan.areas
    .filter((area) => area.text !== undefined && stageWords.test(area.text.text))
    .sort((a, b) => extent(b) - extent(a))
    .map(centreOf)[0];
}

function extent({ shape }: PlanArea): number {
  switch (shape.kind) {
    case 'rectangle':
      return shape.width * shape.height;
    case 'circle':
      return Math.PI * shape.radius ** 2;
    case 'ellipse':
      return Math.PI * shape.radius.x * shape.radius.y;
    case 'polygon': {
      const xs = shape.points.map((point) => point.x);
      const ys = shape.points.map((point) => point.y);
      return shape.points.length === 0 ? 0 : (Math.max(...xs) - Math.min(...xs)) * (Math.max(...ys) - Math.min(...ys));
    }
    case 'text':
    case 'none':
      return 0;
  }
}

/** A rectangle and a polygon hang from their corner, circle and ellipse around their middle; all turn around their position. */
function centreOf({ x, y, rotation, shape }: PlanArea): Point {
  const angle = (rotation * Math.PI) / 180;
  const turned = (dx: number, dy: number): Point => ({
    x: x + dx * Math.cos(angle) - dy * Math.sin(angle),
    y: y + dx * Math.sin(angle) + dy * Math.cos(angle),
  });
  if (shape.kind === 'rectangle') return turned(shape.width / 2, shape.height / 2);
  if (shape.kind === 'polygon' && shape.points.length > 0) {
    const middle = mean(shape.points);
    return turned(middle.x, middle.y);
  }
  return { x, y };
}

/**
 * In front of the first rows, by their names: A or 1 is nearest to the stage. Sections around a stage point away from
 * it in all directions; then it is in their middle.
 */
function guessedStage(plan: SeatingPlan, middle: Point): Point {
  const back = { x: 0, y: 0 };
  for (const section of plan.sections) {
    const rows = section.rows.toSorted((a, b) => byName.compare(a.name, b.name));
    const half = rows.length >> 1;
    const front = rows.slice(0, half).flatMap((row) => row.seats);
    const rear = rows.slice(rows.length - half).flatMap((row) => row.seats);
    if (half === 0) continue;
    const [from, to] = [mean(front), mean(rear)];
    back.x += (to.x - from.x) * front.length;
    back.y += (to.y - from.y) * front.length;
  }
  const length = Math.hypot(back.x, back.y);
  const towards = length > 0 ? { x: -back.x / length, y: -back.y / length } : { x: 0, y: -1 };
  const offsets = seatsOf(plan).map((seat) => (seat.x - middle.x) * towards.x + (seat.y - middle.y) * towards.y);
  const front = Math.max(...offsets, 1);
  return { x: middle.x + towards.x * front, y: middle.y + towards.y * front };
}

const byName = new Intl.Collator('en', { numeric: true });

const mean = (points: readonly Point[]): Point => ({
  x: points.reduce((sum, point) => sum + point.x, 0) / points.length,
  y: points.reduce((sum, point) => sum + point.y, 0) / points.length,
});
