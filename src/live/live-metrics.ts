export type StreamEvent = 'snapshot' | 'change' | 'heartbeat';

/** How something that was missed has been made good, without the reader noticing. */
export type HealedBy =
  /** A version that no notification had told of, found by asking for versions. */
  | 'poll'
  /** A watcher whose last version was not the one before: it got what it lacked. */
  | 'changes'
  /** The same where what it lacked is no longer known: it got the whole map. */
  | 'snapshot';

/** What the live map counts. */
export interface LiveMetrics {
  watchers(count: number): void;
  sent(event: StreamEvent): void;
  /** A watcher that took too little of what was sent to it. */
  dropped(): void;
  refused(by: 'caller' | 'process'): void;
  healed(by: HealedBy): void;
}
