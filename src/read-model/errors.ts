import pg from 'pg';
import { RefundExceedsCaptureError } from '../domain/refund-plan.ts';

/**
 * The second line of defence fired: another booking has a live row for one of these seats. The show workflow must have
 * made this impossible; whoever catches it counts it and raises an alert. Nothing was written.
 */
export class SeatAlreadyBookedError extends Error {
  override readonly name = 'SeatAlreadyBookedError';
}

/** Another show is on that screen at that time: SHOW_OVERLAP of the REST contract. */
export class ShowOverlapError extends Error {
  override readonly name = 'ShowOverlapError';
}

/** A row refers to one that does not exist, or a name is taken: the request that named it is wrong. */
export class InvalidReferenceError extends Error {
  override readonly name = 'InvalidReferenceError';
  /** What was violated, as the tables name it: `screen_id`, `theatres_city_id_fkey`. */
  readonly reference: string;
  constructor(reference: string) {
    super(`${reference} refers to nothing that exists, or to what is taken`);
    this.reference = reference;
  }
}

/** The cursor is none that this list gave out: VALIDATION_FAILED of the REST contract. */
export class InvalidCursorError extends Error {
  override readonly name = 'InvalidCursorError';
}

/** A queue in front of Postgres is full: answered 503 with `Retry-After`. Nothing was done. */
export class ReadModelBusyError extends Error {
  override readonly name = 'ReadModelBusyError';
}

/** Postgres' error codes (SQLSTATE) that mean something here. */
const FOREIGN_KEY_VIOLATION = '23503';
const UNIQUE_VIOLATION = '23505';
const EXCLUSION_VIOLATION = '23P01';

/**
 * Classes of errors that one row can cause for a whole statement: data, cardinality and constraints, deadlocks, and a
 * time-out behind somebody's lock. All others (no connection, shutting down, out of space, a statement that ran out of
 * its own time on a server that is too busy) would meet every row alike.
 */
const ROW_ERROR_CLASSES = ['21', '22', '23', '40'];
const ROW_ERROR_CODES = ['55P03'];

/** True if the statement may have failed because of one of its rows alone. */
export function mayBeOneRowsFault(error: unknown): boolean {
  if (error instanceof SeatAlreadyBookedError || error instanceof RefundExceedsCaptureError) return true;
  const code = error instanceof pg.DatabaseError ? error.code : undefined;
  if (code === undefined) return false;
  return ROW_ERROR_CLASSES.includes(code.slice(0, 2)) || ROW_ERROR_CODES.includes(code);
}

/** The error in this folder's words; errors that say nothing about the request pass as they are. */
export function translated(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError)) return error;
  if (error.constraint === 'one_booking_per_seat') {
    return new SeatAlreadyBookedError(error.detail ?? 'a seat is booked already', { cause: error });
  }
  if (error.constraint === 'refunds_within_capture') {
    return new RefundExceedsCaptureError(error.message, { cause: error });
  }
  if (error.code === EXCLUSION_VIOLATION) {
    return new ShowOverlapError('another show is on that screen at that time', { cause: error });
  }
  if (error.code === FOREIGN_KEY_VIOLATION || error.code === UNIQUE_VIOLATION) {
    return new InvalidReferenceError(error.constraint ?? 'unknown');
  }
  return error;
}

/** Awaits a statement and rejects with the translated error. */
export async function translatingErrors<T>(statement: Promise<T>): Promise<T> {
  try {
    return await statement;
  } catch (error) {
    throw translated(error);
  }
}
