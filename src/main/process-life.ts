import { once } from 'node:events';
import { ConfigError } from '../platform/config.ts';
import type { Logger } from '../platform/logger.ts';

/**
 * Listens for whoever wants this process to end; to be called first, because they may be gone before it is ready. While
 * it starts there is nothing to finish: asked then, it ends at once. The returned function is called when it is ready,
 * and resolves with the reason.
 */
export function whenAskedToStop(log: Logger): () => Promise<string> {
  let starting = true;
  const asked = Promise.race([
    once(process, 'SIGTERM').then(() => 'SIGTERM'),
    once(process, 'SIGINT').then(() => 'SIGINT'),
    parentGone().then(() => 'the parent process is gone'),
  ]).then((why) => {
    log.info({ why }, 'stopping');
    if (starting) process.exit(0);
    return why;
  });
  return () => {
    starting = false;
    return asked;
  };
}

/** Without the parent that started it, nobody would ever stop it. One without a channel may outlive its parent. */
async function parentGone(): Promise<void> {
  const wasGoneBeforeWeListened = process.send !== undefined && !process.connected;
  if (!wasGoneBeforeWeListened) await once(process, 'disconnect');
}

/** Runs a process's main function to its end; what goes wrong is one line that `failure` begins, and exit code 1. */
export function exitWith(running: Promise<void>, log: Logger, failure: string): void {
  running.then(
    () => process.exit(0),
    (error: unknown) => {
      const { message, stack } = error instanceof Error ? error : new Error(String(error));
      // A person put a setting wrong: where it was thrown interests nobody.
      log.fatal({ reason: message, stack: error instanceof ConfigError ? undefined : stack }, failure);
      process.exit(1);
    },
  );
}
