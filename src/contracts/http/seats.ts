import { z } from 'zod';
import { timestamp } from './primitives.ts';

export const seatingPlanSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    sections: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        rows: z.array(
          z.object({
            id: z.string(),
            label: z.string(),
            seats: z.array(
              z.object({
                id: z.string(),
                index: z.int().meta({ description: 'Place of the seat in `statuses`' }),
                label: z.string(),
                x: z.number(),
                y: z.number(),
                category: z.string(),
                accessible: z.boolean(),
                companion: z.boolean(),
              }),
            ),
          }),
        ),
      }),
    ),
  })
  .meta({ id: 'SeatingPlan' });

export const seatMapSchema = z
  .object({
    showId: z.string(),
    seatingPlanId: z.string(),
    version: z.int().meta({ description: 'Counts every change; a reader never sees it go backwards' }),
    asOf: timestamp.meta({ description: "The version's time" }),
    statuses: z
      .string()
      .regex(/^[ahbx]*$/)
      .meta({ description: 'One character a seat in index order: available, held, booked, x = blocked' }),
  })
  .meta({ id: 'SeatMap' });

export type SeatMapBody = z.infer<typeof seatMapSchema>;

/** `data` of an `event: change`; that of an `event: snapshot` is a seat map. */
export const seatMapChangeSchema = z
  .object({
    version: z.int().meta({ description: 'Of the map once the changes are applied; also the `id` of the event' }),
    changes: z
      .array(z.tuple([z.int(), z.enum(['a', 'h', 'b', 'x'])]))
      .meta({ description: 'Index of the seat, its status from then on' }),
  })
  .meta({ id: 'SeatMapChange' });

export type SeatMapChangeBody = z.infer<typeof seatMapChangeSchema>;
