import { outboxBacklog } from '../src/read-model/outbox.ts';
import { openDatabase, type RunningSystem } from './running-system.ts';

/** Events of bookings that nobody has been told of yet, as mails stand back for a sale. */
export async function eventsWaiting(system: RunningSystem): Promise<number> {
  const db = openDatabase(system, 1);
  try {
    const { queues } = await outboxBacklog(db);
    return queues.reduce((sum, { waiting }) => sum + waiting, 0);
  } finally {
    await db.destroy();
  }
}
