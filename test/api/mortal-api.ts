import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkflowClient } from '../../src/contracts/workflow-client.ts';
import { exitWith, runApiProcess } from '../../src/main/api-process.ts';

/**
 * The API as it is, but for one thing: where a test has put a file named `before-startBooking`, say, into FAULTS_DIR,
 * the process takes the file away and kills itself at that point.
 */
const faultsDir = process.env.FAULTS_DIR ?? '';

function dieIfTold(point: string): void {
  const order = join(faultsDir, point);
  if (!existsSync(order)) return;
  rmSync(order);
  process.kill(process.pid, 'SIGKILL');
}

const mortal = (workflows: WorkflowClient): WorkflowClient =>
  new Proxy(workflows, {
    get(target, name: keyof WorkflowClient) {
      const method = target[name].bind(target) as (...args: unknown[]) => Promise<unknown>;
      return async (...args: unknown[]) => {
        dieIfTold(`before-${name}`);
        const answer = await method(...args);
        dieIfTold(`after-${name}`);
        return answer;
      };
    },
  });

exitWith(runApiProcess(mortal));
