/**
 * The second line of defence fired: another booking has a live row for one of these seats. The show workflow must have
 * made this impossible; whoever catches it counts it and raises an alert.
 */
export class SeatAlreadyBookedError extends Error {
  override readonly name = 'SeatAlreadyBookedError';
  readonly bookingId: string;
  constructor(bookingId: string, detail: string) {
    super(`booking ${bookingId} names a seat that another booking has: ${detail}`);
    this.bookingId = bookingId;
  }
}

/** Another show is on that screen at that time: SHOW_OVERLAP of the REST contract. */
export class ShowOverlapError extends Error {
  override readonly name = 'ShowOverlapError';
}

/** A row refers to one that does not exist, `theatre_id`, say: the request that named it is wrong. */
export class UnknownReferenceError extends Error {
  override readonly name = 'UnknownReferenceError';
  /** The column that refers, as Postgres names it. */
  readonly column: string;
  constructor(column: string) {
    super(`${column} refers to nothing`);
    this.column = column;
  }
}

/** The cursor is none that a list of ours gave out: VALIDATION_FAILED of the REST contract. */
export class InvalidCursorError extends Error {
  override readonly name = 'InvalidCursorError';
}

/** A queue in front of Postgres is full: answered 503 with `Retry-After`. Nothing was done. */
export class ReadModelBusyError extends Error {
  override readonly name = 'ReadModelBusyError';
}
