import type { DifferenceKey } from '../domain/reconciliation.ts';
import type { SeatMapView } from './show-messages.ts';

/**
 * `dry_run` changes nothing but its own report. `report` enters what it finds into the book of differences. `repair` also
 * brings about what has one right answer.
 */
export const reconciliationModes = ['dry_run', 'report', 'repair'] as const;
export type ReconciliationMode = (typeof reconciliationModes)[number];

/**
 * In this order: money by slices of the window, seats show by show, messages and workflows, then everything that was found
 * before and is still open.
 */
export const reconciliationPhases = ['money', 'seats', 'messages', 'follow_up'] as const;
export type ReconciliationPhase = (typeof reconciliationPhases)[number];

export const runStatuses = ['RUNNING', 'COMPLETED', 'STOPPED'] as const;
export type RunStatus = (typeof runStatuses)[number];

/** What a run has looked at and found so far. */
export interface ReconciliationCounts {
  readonly bookings: number;
  readonly movements: number;
  readonly shows: number;
  readonly found: number;
  /** Something was done about them. */
  readonly acted: number;
  /** Differences, of this run or an earlier one, that are gone when looked at again. */
  readonly ended: number;
}

export const noCounts: ReconciliationCounts = { bookings: 0, movements: 0, shows: 0, found: 0, acted: 0, ended: 0 };

/** The window that a run looks at, Unix ms: from the first moment on, and before the second. */
export interface ReconciliationWindow {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface ReconciliationInput {
  /** Absent where a schedule starts it: the window slides, and ends at the time that it was scheduled for. */
  readonly window?: ReconciliationWindow;
  readonly mode: ReconciliationMode;
  /** Of its report; absent: derived from the workflow's own. */
  readonly runId?: string;
  readonly startedBy: string;
  /** Of the run before, when continued as new. */
  readonly carried?: CarriedReconciliation;
}

/** How far a run has come. */
export interface ReconciliationPosition {
  readonly phase: ReconciliationPhase;
  /** In the phase of money: done up to here, Unix ms. */
  readonly doneUntilMs: number;
  /** In the phase of seats: the last show that is done. */
  readonly show: string;
  /** In the last phase: the last difference that was looked at. */
  readonly finding: DifferenceKey | null;
  /** The run is done. */
  readonly isDone: boolean;
}

export interface CarriedReconciliation {
  readonly window: ReconciliationWindow;
  readonly position: ReconciliationPosition;
  readonly counts: ReconciliationCounts;
}

/** What one step of a run is about, whole: it can be tried again anywhere. */
export interface ReconciliationStep {
  readonly runId: string;
  readonly mode: ReconciliationMode;
  readonly startedBy: string;
  readonly window: ReconciliationWindow;
  readonly position: ReconciliationPosition;
  /** Of the steps before this one. */
  readonly counts: ReconciliationCounts;
}

export interface ReconciliationStepDone {
  readonly position: ReconciliationPosition;
  readonly counts: ReconciliationCounts;
  /** The run ends here, and says why: what it finds is no matter of single differences. */
  readonly stoppedBecause: string | null;
}

/** Answer of the `progress` query. */
export interface ReconciliationProgress {
  readonly runId: string;
  readonly mode: ReconciliationMode;
  readonly window: ReconciliationWindow;
  readonly position: ReconciliationPosition;
  readonly counts: ReconciliationCounts;
  readonly status: RunStatus;
}

export const reconciliationMessages = { progress: 'progress' } as const;

/** How far the window reaches back that a schedule's runs look at: over what a machine may have been away. */
export const SLIDING_WINDOW_MS = 2 * 60 * 60_000;

/** Result of the workflow. */
export type ReconciliationResult = ReconciliationProgress & { readonly stoppedBecause: string | null };

/** Starts runs over windows that somebody names. */
export interface Reconciliations {
  /** A run of this window and mode that is under way already is found, with the name of its report. */
  start(window: ReconciliationWindow, mode: ReconciliationMode, startedBy: string): Promise<{ readonly runId: string }>;
}

/** The actors, as reconciliation looks at them. */
export interface ActorRecords {
  /** Null once the show's workflow has ended, or if there was none. */
  seatMap(showId: string): Promise<SeatMapView | null>;
  /** A workflow of the booking, of its late money or of its changes runs. */
  isAtWork(bookingId: string): Promise<boolean>;
  /** The same without that of its late money, which waits for the booking to end. */
  isOwned(bookingId: string): Promise<boolean>;
  /** Ids of workflows that say of themselves that they are stuck, with the booking in it. */
  stuckWorkflows(limit: number): Promise<readonly string[]>;
  isStuck(workflowId: string): Promise<boolean>;
}
