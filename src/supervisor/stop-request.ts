/**
 * One Ctrl-C comes up to three times: from the terminal to all of its processes, and passed on by npm and by the
 * script that it runs, each as late as a busy machine makes it. Within this time they are one request.
 */
const sameRequestMs = 1_000;

export interface StopRequestHandlers {
  /** The first request, with what it was. */
  readonly first: (why: string) => void;
  /** A person who does not want to wait. */
  readonly again: () => void;
}

/** Tells when this process is asked to stop: by a signal, or by the end of the process that started it. */
export function onStopRequest({ first, again }: StopRequestHandlers): void {
  let requestedAt: number | null = null;
  const request = (why: string): void => {
    const sinceMs = requestedAt === null ? null : performance.now() - requestedAt;
    if (sinceMs === null) {
      requestedAt = performance.now();
      first(why);
    } else if (sinceMs > sameRequestMs) again();
  };
  process.on('SIGINT', () => request('SIGINT'));
  process.on('SIGTERM', () => request('SIGTERM'));
  // Not a second request: it ends because it was asked to, like us.
  process.on('disconnect', () => requestedAt === null && request('the process that started this one has ended'));
}
