import type { Client } from '@temporalio/client';

/**
 * Those that workers have made in the client's namespace. They would go on for as long as the server does, for nobody, at
 * the expense of the tests that come after.
 */
export async function deleteSchedules({ schedule }: Pick<Client, 'schedule'>): Promise<void> {
  for await (const { scheduleId } of schedule.list()) await schedule.getHandle(scheduleId).delete();
}
