import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { exitWithRelay, runRelayProcess } from '../../src/main/relay-process.ts';

/**
 * A relay as a real process whose consumers write what they are given to a file, a line each: `name id booking`. It kills
 * itself where it is told to, as often as it is started: `before` or `after` the nth event was written. What is written is
 * accepted after `TAKES_MS`.
 */
const { OUTBOX_FILE = '', DIES = '', TAKES_MS = '' } = process.env;
const [when, nth] = DIES.split(' ');
let given = 0;

const dieIf = (now: string): void => {
  if (when === now && given === Number(nth)) process.kill(process.pid, 'SIGKILL');
};

const writing = (name: string) => ({
  name,
  handle: async ({ id, bookingId }: { id: number; bookingId: string }): Promise<void> => {
    given++;
    dieIf('before');
    appendFileSync(OUTBOX_FILE, `${name} ${id} ${bookingId}\n`);
    dieIf('after');
    if (TAKES_MS !== '') await delay(Number(TAKES_MS));
  },
});

exitWithRelay(runRelayProcess(() => [writing('a'), writing('b')]));
