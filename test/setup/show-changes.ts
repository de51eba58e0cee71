import type { ShowChange } from '../../src/contracts/show-changes.ts';
import { showTitle } from '../../src/contracts/show-start.ts';
import { cancelShow, changeShowTimes, type ShowTimes } from '../../src/read-model/show-changes.ts';
import type { Show } from '../../src/read-model/shows.ts';
import type { TestSystem } from './system.ts';

type Database = Pick<TestSystem, 'db'>;

/** As staff's call commits it, `agoMs` ago; its workflow is not started. */
export async function cancelledByStaff({ db }: Database, show: Show, agoMs = 0): Promise<ShowChange> {
  const change = { reason: 'The hall is flooded', requestedBy: 'usr_admin', atMs: Date.now() - agoMs };
  return startable(show, 'cancelled', await db.transaction().execute((trx) => cancelShow(trx, show, change)));
}

/** The same of a show that is moved. */
export async function movedByStaff({ db }: Database, show: Show, times: Partial<ShowTimes>): Promise<ShowChange> {
  const change = {
    kind: 'moved',
    times: { ...show, ...times },
    fullRefundUntilMs: times.startsAtMs ?? null,
    requestedBy: 'usr_admin',
    atMs: Date.now(),
  } as const;
  return startable(show, 'moved', await db.transaction().execute((trx) => changeShowTimes(trx, show, change)));
}

function startable(show: Show, kind: ShowChange['kind'], showVersion: number | null): ShowChange {
  if (showVersion === null) throw new Error(`show ${show.id} was changed before`);
  return { showId: show.id, cityId: show.cityId, kind, showVersion, title: showTitle(show) };
}
