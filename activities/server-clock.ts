import { activityInfo } from '@temporalio/activity';

/**
 * When the server handed out the task under way, Unix ms by its clock, which workflows and shows go by: a worker whose own is
 * wrong judges nothing as older than it is. For tasks only: a try in the worker has been handed out by nobody.
 */
export const handedOutAtMs = (): number => activityInfo().currentAttemptScheduledTimestampMs;
