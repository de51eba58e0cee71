/** Workflow ids and task queues: the addresses of the actors. */
export const showWorkflowId = (showId: string): string => `show/${showId}`;
export const bookingWorkflowId = (bookingId: string): string => `booking/${bookingId}`;
/** The workflow that settles money which arrived after the booking had ended. */
export const latePaymentWorkflowId = (bookingId: string, attemptId: string): string =>
  `booking/${bookingId}/late/${attemptId}`;

/** The workflow of the changes of a booking that is confirmed: one at a time. */
export const bookingChangeWorkflowId = (bookingId: string): string => `booking/${bookingId}/change`;

/** The workflow that brings about what a show's cancellation means for its bookings. */
export const showCancellationWorkflowId = (showId: string): string => `show/${showId}/cancellation`;
/** The same where it goes by other times since that version of it. */
export const showMoveWorkflowId = (showId: string, showVersion: number): string => `show/${showId}/move/${showVersion}`;

/** Over a window that somebody names, Unix ms; those of the schedule are called after it and their time. */
export const reconciliationWorkflowId = (window: { fromMs: number; toMs: number }, mode: string): string =>
  `reconciliation/${new Date(window.fromMs).toISOString()}/${new Date(window.toMs).toISOString()}/${mode}`;

/** Where the tasks of one city's workflows wait, or of all cities that have no queues of their own. */
export interface TaskQueues {
  /** Show workflows and their projections: apart from bookings, so that a backlog of one never delays the other. */
  readonly shows: string;
  readonly bookings: string;
}

/** Of all cities that have none of their own, and of what belongs to no city. */
export const taskQueues: TaskQueues = { shows: 'seatkeeper-shows', bookings: 'seatkeeper-bookings' };

/** Ids of the cities that have queues of their own. */
export type CityQueues = readonly string[];

export const cityTaskQueues = (cityId: string): TaskQueues => ({
  shows: `${taskQueues.shows}/${cityId}`,
  bookings: `${taskQueues.bookings}/${cityId}`,
});

/** Queues on which a city's workflows are started. Once started they stay there, and so do those that they start. */
export const taskQueuesOf = (cityId: string, cityQueues: CityQueues = []): TaskQueues =>
  cityQueues.includes(cityId) ? cityTaskQueues(cityId) : taskQueues;

/** Search attributes of the workflows, all of type Keyword; the development server is started with them. */
export const searchAttributes = {
  showId: 'SeatkeeperShowId',
  userId: 'SeatkeeperUserId',
  cityId: 'SeatkeeperCityId',
  /** Set only when a booking ends or is stuck: each change is an event and a visibility write. */
  bookingStatus: 'SeatkeeperBookingStatus',
} as const;

/** Status of a workflow one of whose steps keeps failing; gone as soon as the step is done. */
export const STUCK = 'STUCK';
/** Tries until then: half a minute of a step that fails at once, under two minutes of one that does not answer. */
export const STUCK_AFTER_TRIES = 8;
