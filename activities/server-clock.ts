import { activityInfo } from '@temporalio/activity';

/**
 * When the server queued the try of a task that is under way, Unix ms by its clock, which workflows and shows go by: a worker
 * whose own is wrong judges nothing as older than it is. For tasks only: a try in the worker has been queued by nobody.
 */
export const queuedAtMs = (): number => activityInfo().currentAttemptScheduledTimestampMs;
