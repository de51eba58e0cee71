import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestSystem } from '../setup/system.ts';

export interface BankClock {
  /** What the bank is to do later it does after these steps, however long they take. */
  whileStanding<Result>(steps: () => Promise<Result>): Promise<Result>;
}

/** The payment simulator of these tests goes by a clock that they may stop. */
export function useBankClock(system: TestSystem): BankClock {
  const folder = mkdtempSync(join(tmpdir(), 'seatkeeper-bank-clock-'));
  const order = join(folder, 'stand');

  beforeAll(async () => {
    await system.simulator.kill('SIGTERM');
    await system.simulator.start({
      NODE_OPTIONS: `--import ${new URL('standing-clock.ts', import.meta.url).href}`,
      CLOCK_STANDS_WHILE_THERE_IS: order,
    });
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  return {
    async whileStanding(steps) {
      writeFileSync(order, '');
      try {
        return await steps();
      } finally {
        rmSync(order);
      }
    },
  };
}
