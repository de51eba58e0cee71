import type { WorkflowClient } from '../../../src/contracts/workflow-client.ts';
import { exitWithApi, runApiProcess } from '../../../src/main/api-process.ts';
import { passing } from './named-points.ts';

/** The API as it is, but that it may be told to die before or after a call of an actor: between a show's grant and a booking's start, say. */
const mortal = (workflows: WorkflowClient): WorkflowClient =>
  new Proxy(workflows, {
    get(target, name: keyof WorkflowClient) {
      const method = target[name].bind(target) as (...args: unknown[]) => Promise<unknown>;
      return async (...args: unknown[]) => {
        passing(`before ${name}`);
        const answer = await method(...args);
        passing(`after ${name}`);
        return answer;
      };
    },
  });

exitWithApi(runApiProcess(mortal));
