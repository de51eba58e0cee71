/**
 * Places in the lines to the shows. A process that has one may have one update of that show in flight; there are fewer
 * places than updates that Temporal takes at once, whatever the number of processes.
 */
export interface SenderPlaces {
  /**
   * Whether the next update may be sent to the show now. False: not yet, ask again in a moment. After true, `leave` has to
   * be called before the next `enter` for this show.
   */
  enter(showId: string): boolean | Promise<boolean>;
  /** That update has been answered. */
  leave(showId: string): void;
}
