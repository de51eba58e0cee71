import { cityTaskQueues, type TaskQueues, taskQueues } from '../contracts/workflow-ids.ts';
import type { Settings } from '../platform/config.ts';

/** In WORKER_QUEUES: the queues of all cities that have none of their own. */
const COMMON = 'common';

/**
 * The queues that a worker serves: those it is told, else all that there are. It may be told a city that has no queues any
 * more: workflows that were started on them stay there until they end.
 */
export function servedQueues({ CITY_QUEUES, WORKER_QUEUES }: Pick<Settings, 'CITY_QUEUES' | 'WORKER_QUEUES'>) {
  const told = WORKER_QUEUES ?? [];
  const served = told.length > 0 ? told : [COMMON, ...CITY_QUEUES];
  return served.map((name): TaskQueues => (name === COMMON ? taskQueues : cityTaskQueues(name)));
}
