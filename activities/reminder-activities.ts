import type { ReadModel } from '../src/read-model/database.ts';
import { insertDueReminders } from '../src/read-model/reminders.ts';

export interface ReminderActivityDeps {
  readonly db: ReadModel;
  /** How long before its show a booking is reminded of. */
  readonly leadMs: number;
}

/** One statement takes some tens of milliseconds. */
const REMINDERS_PER_PAGE = 500;
/** A run ends well within its time-out; the next one, a minute later, goes on. */
const PAGES_MAX = 100;

export type ReminderActivities = ReturnType<typeof createReminderActivities>;

export function createReminderActivities({ db, leadMs }: ReminderActivityDeps) {
  return {
    /** Reminds of all shows that are about to begin; returns how many bookings there were. */
    async remindOfShows(): Promise<{ reminded: number }> {
      let reminded = 0;
      for (let page = 0; page < PAGES_MAX; page += 1) {
        const written = await insertDueReminders(db, { nowMs: Date.now(), leadMs, limit: REMINDERS_PER_PAGE });
        reminded += written;
        if (written < REMINDERS_PER_PAGE) break;
      }
      return { reminded };
    },
  };
}
