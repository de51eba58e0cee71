import type { Point } from './seat-neighbours.ts';

/**
 * Most seats in one plan: one show workflow carries the whole seat map, and with 20,000 seats, each booked on its own,
 * that is still a payload which Temporal takes. A larger venue is sold as several shows, a section each.
 */
export const PLAN_SEATS_MAX = 20_000;
/** Longest id of a seat. */
export const SEAT_ID_MAX = 80;
/** Categories of one plan: each is a price. */
export const CATEGORIES_MAX = 50;

/** An immutable layout of a screen. Coordinates are the drawing's own units, absolute, y growing downwards. */
export interface SeatingPlan {
  readonly name: string;
  /** In drawing order; their seats, taken in order, have the indices 0..n-1. */
  readonly sections: readonly PlanSection[];
  readonly categories: readonly PlanCategory[];
  /** What is drawn besides seats: stage, screen, bars, labels. */
  readonly areas: readonly PlanArea[];
  readonly size: { readonly width: number; readonly height: number };
}

export interface PlanSection {
  readonly id: string;
  readonly name: string;
  readonly rows: readonly PlanRow[];
}

/** Seats under one row name. By their coordinates they may be several physical rows, with aisles within. */
export interface PlanRow {
  /** Unique in the plan. */
  readonly id: string;
  /** As written on the row itself: `A`. */
  readonly name: string;
  /** For people, in text: `A`, `Row A`. */
  readonly label: string;
  /** How seats of this row are named in text, `%s` standing for the seat's number; null: by the number alone. */
  readonly seatLabel: string | null;
  readonly seats: readonly PlanSeat[];
}

export interface PlanSeat {
  /** Unique in the plan: `A12`. */
  readonly id: string;
  /** Direct neighbours, by coordinates, have consecutive indices. */
  readonly index: number;
  /** As written on the seat itself: `12`. */
  readonly number: string;
  /** Unique in the plan, for people: `A-12`, or `Balcony, A-12` in a plan of several sections. */
  readonly label: string;
  readonly x: number;
  readonly y: number;
  /** Id of its category. */
  readonly category: string;
  /** Room for a wheelchair. */
  readonly accessible: boolean;
  /** For whoever comes with the person in the wheelchair. */
  readonly companion: boolean;
}

export interface PlanCategory {
  readonly id: string;
  readonly name: string;
  /** CSS colour. */
  readonly color?: string;
}

/** A shape around `x`, `y`, turned clockwise by `rotation` degrees. */
export interface PlanArea {
  readonly x: number;
  readonly y: number;
  readonly rotation: number;
  readonly color?: string;
  readonly borderColor?: string;
  readonly shape:
    | { readonly kind: 'none' }
    | { readonly kind: 'polygon'; readonly points: readonly Point[] }
    | { readonly kind: 'rectangle'; readonly width: number; readonly height: number }
    | { readonly kind: 'ellipse'; readonly radius: Point }
    | { readonly kind: 'circle'; readonly radius: number }
    | { readonly kind: 'text' };
  readonly text?: {
    readonly text: string;
    readonly x: number;
    readonly y: number;
    readonly color?: string;
    readonly size?: number;
  };
}

/** All seats in index order. */
export const seatsOf = (plan: SeatingPlan): readonly PlanSeat[] =>
  plan.sections.flatMap((section) => section.rows.flatMap((row) => row.seats));
