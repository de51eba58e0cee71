import { runningSystem } from '../src/cli/running-system.ts';
import { createLogger } from '../src/platform/logger.ts';
import { createDatabase } from '../src/read-model/database.ts';
import { outboxBacklog } from '../src/read-model/outbox.ts';
import type { RunningSystem } from './running-system.ts';

/** Events of bookings that nobody has been told of yet, as mails stand back for a sale. */
export async function eventsWaiting({ dataDir }: RunningSystem): Promise<number> {
  const { partSettings } = runningSystem({ DATA_DIR: dataDir })!;
  const db = createDatabase(partSettings.DATABASE_URL, { poolMax: 1, log: createLogger('bench', 'silent') });
  try {
    const { queues } = await outboxBacklog(db);
    return queues.reduce((sum, { waiting }) => sum + waiting, 0);
  } finally {
    await db.destroy();
  }
}
