import { z } from 'zod';
import { text } from '../contracts/http/primitives.ts';
import { InvalidCursorError } from './errors.ts';

/** A page of a list as a client asks for it. */
export interface PageRequest {
  /** 1–100. */
  readonly limit: number;
  /** Opaque: as given out in `nextCursor`. */
  readonly cursor?: string | undefined;
}

export interface Page<T> {
  readonly items: T[];
  /** Null on the last page. */
  readonly nextCursor: string | null;
}

/** Last millisecond that both Date and Postgres write with four digits of year. */
const LAST_TIME_MS = Date.UTC(10_000, 0) - 1;

/** Parts of a cursor. */
export const cursorText = text(400);
export const cursorTimeMs = z.int().min(-LAST_TIME_MS).max(LAST_TIME_MS);
export const cursorNumber = z.number();

/**
 * The cursor of one list: the sort key of the last item given, so that the next page starts behind it whatever was
 * inserted meanwhile. `list` keeps a cursor of one list from being taken for another's.
 */
export function cursorOf<Key extends readonly unknown[]>(list: string, key: z.ZodType<Key>) {
  const shape = z.tuple([z.literal(list), key]);
  return {
    encode: (value: Key): string => Buffer.from(JSON.stringify([list, value])).toString('base64url'),
    /** @throws InvalidCursorError */
    decode: (cursor: string | undefined): Key | null => {
      if (cursor === undefined) return null;
      const parsed = shape.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString('utf8')));
      if (!parsed.success) throw new InvalidCursorError('the cursor is none of this list');
      return parsed.data[1];
    },
  };
}

/** `rows` has one more than the limit if there is a next page. */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
  cursorOfRow: (row: Row) => string,
): Page<Item> {
  const last = rows[limit - 1];
  const nextCursor = rows.length > limit && last !== undefined ? cursorOfRow(last) : null;
  return { items: rows.slice(0, limit).map(toItem), nextCursor };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
