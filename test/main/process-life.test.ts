import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { testSecrets } from '../setup/system.ts';

const root = join(import.meta.dirname, '../..');
/** Nobody listens there: what waits for it is never ready. */
const NOWHERE = '127.0.0.1:9';

/** A process that is starting, for as long as it is let. */
const starting = (entry: string) =>
  spawn(process.execPath, [join(root, 'src/main', entry)], {
    env: {
      PATH: process.env.PATH,
      ...testSecrets,
      DATABASE_URL: `postgres://nobody@${NOWHERE}/none`,
      TEMPORAL_ADDRESS: NOWHERE,
      PAYMENT_GATEWAY_URL: `http://${NOWHERE}`,
      PORT: '0',
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });

describe.each(['api.ts', 'worker.ts'])('%s', (entry) => {
  test('ends when its parent goes while it is still starting', async () => {
    const child = starting(entry);
    child.disconnect();
    const [exitCode] = (await once(child, 'exit')) as [number | null];
    expect(exitCode).toBe(0);
  }, 20_000);
});
