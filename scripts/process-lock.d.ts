/** A process, told apart from a later one with the same number by the moment it started. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startedAt: string;
}

export type LockAttempt =
  { readonly taken: true; release(): void } | { readonly taken: false; readonly holder: ProcessIdentity };

/** `startedAt` is empty for a process that does not run. */
export function identityOf(pid: number): ProcessIdentity;

/** Whether this very process still runs; one with the same number that started at another time is another one. */
export function isRunning(identity: ProcessIdentity): boolean;

/**
 * Takes the lock file for this process, or tells who holds it. The lock of a process that has ended is taken over.
 * @throws what the file system says when the file can't be written
 */
export function takeLock(path: string): LockAttempt;

/**
 * Takes the lock file as soon as nobody holds it; `whileHeld` is called at every look in vain. Gives what lets go of it.
 * @throws as `takeLock`, and the reason of `signal`
 */
export function waitForLock(
  path: string,
  options: { readonly whileHeld: (holder: ProcessIdentity) => void; readonly signal?: AbortSignal | undefined },
): Promise<() => void>;
