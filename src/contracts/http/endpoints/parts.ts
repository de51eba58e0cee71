import { z } from 'zod';
import { pathId } from '../primitives.ts';

/** Strong, and of what staff decides alone: for `If-Match`. */
export const theatreTag = { ETag: 'Of its cancellation policy, for If-Match' };
export const showTag = { ETag: 'Of the show as staff has made it, for If-Match' };
export const createdAt = { Location: 'Path of the new resource' };
export const id = (prefix: string) => z.strictObject({ id: pathId(prefix) });
export const open = { access: 'anyone', idempotencyKey: 'none' } as const;
