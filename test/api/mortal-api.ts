import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { WorkflowClient } from '../../src/contracts/workflow-client.ts';
import { exitWithApi, runApiProcess } from '../../src/main/api-process.ts';

/**
 * The API as it is, but for one thing: where a test has put a file named `before-startBooking`, say, into FAULTS_DIR,
 * the process takes the file away and kills itself at that point. At `stand-before-pay`, say, one request stands still:
 * it renames the file to `standing-before-pay`, and goes on when that is gone.
 */
const faultsDir = process.env.FAULTS_DIR ?? '';

function dieIfTold(point: string): void {
  const order = join(faultsDir, point);
  if (!existsSync(order)) return;
  rmSync(order);
  process.kill(process.pid, 'SIGKILL');
}

async function standIfTold(point: string): Promise<void> {
  const order = join(faultsDir, `stand-${point}`);
  const standing = join(faultsDir, `standing-${point}`);
  if (!existsSync(order)) return;
  renameSync(order, standing);
  while (existsSync(standing)) await delay(LOOK_EVERY_MS);
}
const LOOK_EVERY_MS = 10;

const mortal = (workflows: WorkflowClient): WorkflowClient =>
  new Proxy(workflows, {
    get(target, name: keyof WorkflowClient) {
      const method = target[name].bind(target) as (...args: unknown[]) => Promise<unknown>;
      return async (...args: unknown[]) => {
        dieIfTold(`before-${name}`);
        await standIfTold(`before-${name}`);
        const answer = await method(...args);
        dieIfTold(`after-${name}`);
        return answer;
      };
    },
  });

exitWithApi(runApiProcess(mortal));
