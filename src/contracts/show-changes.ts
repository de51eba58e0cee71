/** What staff does to a show that is on sale. `sale_changed`: other times of its sale; it is played when it was to be. */
export const showChangeKinds = ['cancelled', 'moved', 'sale_changed'] as const;
export type ShowChangeKind = (typeof showChangeKinds)[number];

/** A change that staff has made, as those who bring its effects about are told of it. */
export interface ShowChange {
  readonly showId: string;
  readonly cityId: string;
  readonly kind: ShowChangeKind;
  /** That the show has by this change. */
  readonly showVersion: number;
  /** Of the show, as it is now. */
  readonly title: string;
}

/** The same for whoever asks for it: what a change of a show does to a booking is done once. */
export const changeIdOf = (bookingId: string, { showVersion }: Pick<ShowChange, 'showVersion'>): string =>
  `${bookingId.replace(/^bkg_/, 'chg_')}-show-${showVersion}`;

/** How far the refunds of a cancelled show have come. Counted in bookings that had been paid. */
export interface CancellationProgress {
  readonly total: number;
  /** The money is back. */
  readonly refunded: number;
  /** The provider has failed to give the money back; it is asked again by itself. */
  readonly failed: number;
  /** The provider says that it never had the money. Nothing is asked for any more: a person looks at it. */
  readonly nothingCaptured: number;
  /** None of these yet. */
  readonly waiting: number;
  /** Of those waiting, bookings that are still confirmed. */
  readonly confirmed: number;
  /** Seats of the show that are booked, as readers see it; 0 once the show is over. */
  readonly seatsBooked: number;
}

/** Names of the messages of a show's changes. */
export const showChangeMessages = {
  /** Query: `CancellationProgress` as last counted, null before; for operators. */
  progress: 'progress',
} as const;
