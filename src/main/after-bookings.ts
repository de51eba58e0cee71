import { setPriority } from 'node:os';

/**
 * Of 0 to 19. On a busy machine a process of this niceness gets a tenth of what one that sells gets, and all that is left over
 * besides; less would let a ticket's PDF stand still for so long that its process is taken for hung.
 */
const NICENESS = 10;

/** For a process whose work may wait while seats are sold: a mail with its ticket costs as much CPU as a third of a booking. */
export const standBackForBookings = (): void => setPriority(NICENESS);
