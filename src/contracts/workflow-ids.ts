/** Workflow ids and task queues: the addresses of the actors. */
export const showWorkflowId = (showId: string): string => `show/${showId}`;
export const bookingWorkflowId = (bookingId: string): string => `booking/${bookingId}`;
/** The workflow that settles money which arrived after the booking had ended. */
export const latePaymentWorkflowId = (bookingId: string, attemptId: string): string =>
  `booking/${bookingId}/late/${attemptId}`;

export const taskQueues = {
  /** Show workflows and their projections: apart from bookings, so that a backlog of one never delays the other. */
  shows: 'seatkeeper-shows',
  bookings: 'seatkeeper-bookings',
} as const;

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
