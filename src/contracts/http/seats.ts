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
