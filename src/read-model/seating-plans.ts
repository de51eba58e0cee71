import type { SeatLayout } from '../domain/seat-layout.ts';
import type { SeatingPlan } from '../domain/seating-plan.ts';
import type { ReadModel } from './database.ts';

/** A seating plan as it is kept, immutable: what clients see of it, and what the show workflow needs. */
export interface StoredSeatingPlan {
  readonly id: string;
  readonly plan: SeatingPlan;
  readonly layout: SeatLayout;
}

export async function insertSeatingPlan(db: ReadModel, plan: StoredSeatingPlan, createdAtMs: number): Promise<void> {
  await db
    .insertInto('seating_plans')
    .values({
      id: plan.id,
      name: plan.plan.name,
      plan: JSON.stringify(plan.plan),
      layout: JSON.stringify(plan.layout),
      seat_count: plan.layout.seatCount,
      created_at: new Date(createdAtMs),
    })
    .execute();
}

export async function findSeatingPlan(db: ReadModel, id: string): Promise<StoredSeatingPlan | null> {
  const row = await db.selectFrom('seating_plans').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? null : { id: row.id, plan: row.plan, layout: row.layout };
}
