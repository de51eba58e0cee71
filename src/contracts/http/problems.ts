import { z } from 'zod';
import { errorCodes, type ErrorCode } from '../error-codes.ts';

const codes = Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]];

/** Where a code is explained; `type` of its problems. Stable: clients may compare it. */
export const problemType = (code: ErrorCode): string => `/problems/${code.toLowerCase().replaceAll('_', '-')}`;

/** RFC 9457, with the fields that single codes add. */
export const problemSchema = z
  .looseObject({
    type: z.string().meta({ example: problemType('SEAT_UNAVAILABLE') }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string().meta({ description: 'Path of the request' }),
    code: z.enum(codes),
    requestId: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    seatIds: z.array(z.string()).optional(),
    conflicts: z.array(z.object({ seatId: z.string(), reason: z.enum(['held', 'booked', 'blocked']) })).optional(),
    bookingStatus: z.string().optional(),
    showStatus: z.string().optional(),
    reason: z.string().optional(),
    limit: z.int().optional(),
  })
  .meta({ id: 'Problem' });

export type Problem = z.infer<typeof problemSchema>;
