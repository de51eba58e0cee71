import { appendFileSync } from 'node:fs';
import { exitWithRelay, runRelayProcess } from '../../src/main/relay-process.ts';

/**
 * A relay as a real process whose consumers write what they are given to a file, a line each: `name id booking`. It kills
 * itself where it is told to, as often as it is started: `before` or `after` the nth event was written.
 */
const { OUTBOX_FILE = '', DIES = '' } = process.env;
const [when, nth] = DIES.split(' ');
let given = 0;

const dieIf = (now: string): void => {
  if (when === now && given === Number(nth)) process.kill(process.pid, 'SIGKILL');
};

const writing = (name: string) => ({
  name,
  handle: ({ id, bookingId }: { id: number; bookingId: string }): Promise<void> => {
    given++;
    dieIf('before');
    appendFileSync(OUTBOX_FILE, `${name} ${id} ${bookingId}\n`);
    dieIf('after');
    return Promise.resolve();
  },
});

exitWithRelay(runRelayProcess(() => [writing('a'), writing('b')]));
