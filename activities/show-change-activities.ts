import { Context, log } from '@temporalio/activity';
import { type CancellationProgress, changeIdOf, type ShowChange } from '../src/contracts/show-changes.ts';
import { saleChange, showTitle } from '../src/contracts/show-start.ts';
import { ShowNotRunningError, type WorkflowClient } from '../src/contracts/workflow-client.ts';
import type { Booking } from '../src/domain/booking.ts';
import { findBookings } from '../src/read-model/bookings.ts';
import type { ReadModel } from '../src/read-model/database.ts';
import {
  bookingsWithSeats,
  cancellationProgress,
  endShowChange,
  findShowChanges,
  findShowChangesUnderWay,
  newsOf,
  type RecordedShowChange,
  tellBookings,
} from '../src/read-model/show-changes.ts';
import { findShow, type Show } from '../src/read-model/shows.ts';
import { atOnce, whileAlive } from './alive.ts';

/** Bookings told in one statement: some tens of milliseconds, in which their rows are locked. */
const TOLD_PER_STATEMENT = 500;
/** Bookings of one refund activity: some seconds of work, of which a worker's death costs nothing but the time. */
const BOOKINGS_PER_PAGE = 200;
/**
 * Bookings of one show that are changed at once. Enough to keep two cores busy; more would only wait in the same queues,
 * and take the places of those who buy tickets of other shows meanwhile.
 */
const CHANGES_AT_ONCE = 48;
/** Its maker starts a change within moments. */
const LEFT_ALONE_MS = 10_000;
/** Staff changes few shows in the time of a sweep; the next one takes the rest. */
const STARTED_PER_SWEEP_MAX = 100;

export interface ShowChangeActivityDeps {
  readonly db: ReadModel;
  readonly workflows: Pick<WorkflowClient, 'changeSale' | 'changeBooking' | 'startShowChange'>;
}

export type ShowChangeActivities = ReturnType<typeof createShowChangeActivities>;

/** Every effect of what staff changes of a show that is on sale. Each may be repeated. */
export function createShowChangeActivities({ db, workflows }: ShowChangeActivityDeps) {
  async function loaded(change: ShowChange): Promise<{ show: Show; changes: readonly RecordedShowChange[] }> {
    const show = await findShow(db, change.showId, Date.now());
    if (!show) throw new Error(`there is no show ${change.showId}`);
    return { show, changes: await findShowChanges(db, change.showId) };
  }

  /** Everybody who had seats when the show heard of it; null for a show that does not run. */
  async function concerned(show: Show): Promise<readonly string[] | null> {
    try {
      return (await workflows.changeSale(show.id, saleChange(show))).bookingIds;
    } catch (error) {
      if (!(error instanceof ShowNotRunningError)) throw error;
      return null;
    }
  }

  async function tell(show: Show, change: RecordedShowChange, bookingIds: readonly string[]): Promise<number> {
    const news = newsOf(show, change);
    if (news === null) return 0;
    let told = 0;
    for (let first = 0; first < bookingIds.length; first += TOLD_PER_STATEMENT) {
      told += await tellBookings(db, change, bookingIds.slice(first, first + TOLD_PER_STATEMENT), news);
      Context.current().heartbeat();
    }
    return told;
  }

  async function tellBuyers(show: Show, change: RecordedShowChange): Promise<number> {
    let told = 0;
    for (let after = ''; ;) {
      const page = await bookingsWithSeats(db, show.id, { after, limit: TOLD_PER_STATEMENT });
      told += await tell(show, change, page);
      if (page.length < TOLD_PER_STATEMENT) return told;
      after = page.at(-1)!;
    }
  }

  /** False: something else is done to the booking just now, or nobody knows. It is tried again in the next round. */
  async function giveBack(booking: Booking, show: Show, change: RecordedShowChange): Promise<boolean> {
    try {
      const answer = await workflows.changeBooking(
        {
          kind: 'show_cancelled',
          changeId: changeIdOf(booking.id, change),
          bookingId: booking.id,
          requestedBy: change.requestedBy,
          reason: show.cancelled?.reason ?? '',
        },
        booking,
      );
      return answer.ok;
    } catch (error) {
      log.warn('a booking of a cancelled show is tried again', { bookingId: booking.id, error });
      return false;
    }
  }

  return {
    /** The show goes by its times as they are now, and its bookings hear of this change. Gives how many did. */
    async applyShowChange(change: ShowChange): Promise<number | 'not yet'> {
      const { show, changes } = await loaded(change);
      const bookingIds = await concerned(show);
      const isEarlier = ({ showVersion, isDone }: RecordedShowChange) => showVersion < change.showVersion && !isDone;
      if (change.kind !== 'cancelled' && changes.some(isEarlier)) return 'not yet';
      const recorded = recordOf(change, changes);
      return bookingIds === null ? tellBuyers(show, recorded) : tell(show, recorded, bookingIds);
    },

    /**
     * Gives the money back of the next bookings in the order of their ids: each change is durable when this ends, or was
     * tried in vain. Gives after which one to go on, null after the last.
     */
    async refundBookings(change: ShowChange, after: string): Promise<string | null> {
      const { show, changes } = await loaded(change);
      const recorded = recordOf(change, changes);
      const page = await bookingsWithSeats(db, show.id, { after, limit: BOOKINGS_PER_PAGE });
      // Those whose payment was under way when the others were told.
      await tell(show, recorded, page);
      const bookings = (await findBookings(db, page)).filter((row) => row?.status === 'CONFIRMED');
      // A worker that is asked to stop leaves the rest to another one.
      await whileAlive((signal) =>
        atOnce(CHANGES_AT_ONCE, bookings, signal, (booking) => giveBack(booking!, show, recorded)),
      );
      return page.length < BOOKINGS_PER_PAGE ? null : page.at(-1)!;
    },

    countRefunds: (change: ShowChange): Promise<CancellationProgress> => cancellationProgress(db, change, Date.now()),

    endShowChange: (change: ShowChange): Promise<void> => endShowChange(db, change, Date.now()),

    async startShowChanges(): Promise<{ started: number }> {
      const createdBeforeMs = Date.now() - LEFT_ALONE_MS;
      const changes = await findShowChangesUnderWay(db, { createdBeforeMs, limit: STARTED_PER_SWEEP_MAX });
      for (const { showId, showVersion, kind } of changes) {
        const show = await findShow(db, showId, Date.now());
        if (!show) throw new Error(`there is no show ${showId}`);
        await workflows.startShowChange({ showId, cityId: show.cityId, kind, showVersion, title: showTitle(show) });
      }
      return { started: changes.length };
    },
  };
}

function recordOf({ showId, showVersion }: ShowChange, changes: readonly RecordedShowChange[]): RecordedShowChange {
  const recorded = changes.find((each) => each.showVersion === showVersion);
  if (!recorded) throw new Error(`show ${showId} has no change ${showVersion}`);
  return recorded;
}
