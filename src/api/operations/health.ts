import { Router } from 'express';
import type { Readiness } from '../../contracts/http/operations.ts';
import type { WorkflowClient } from '../../contracts/workflow-client.ts';
import { ping, type ReadModel } from '../../read-model/database.ts';
import { sendAnswer } from '../http/answer.ts';
import { otherMethods } from '../http/other-methods.ts';
import { retryAfter } from '../http/api-error.ts';

/** A dependency that takes longer is of no use to buyers. */
const ANSWER_WITHIN_MS = 2_000;
const RETRY_AFTER_MS = 1_000;

export function healthRouter(db: ReadModel, workflows: WorkflowClient): Router {
  const router = Router();
  router.get('/health/live', (_req, res) =>
    sendAnswer(res, { status: 200, headers: notStored, body: { status: 'live' } }),
  );
  router.get('/health/ready', async (_req, res) => {
    const [postgres, temporal] = await Promise.all([answers(ping(db)), answers(workflows.ping())]);
    const missing = [...(postgres ? [] : ['postgres' as const]), ...(temporal ? [] : ['temporal' as const])];
    const isReady = missing.length === 0;
    const body: Readiness = { status: isReady ? 'ready' : 'not_ready', missing };
    const headers = isReady ? notStored : { ...notStored, ...retryAfter(RETRY_AFTER_MS) };
    sendAnswer(res, { status: isReady ? 200 : 503, headers, body });
  });
  router.all(['/health/live', '/health/ready'], otherMethods(['GET']));
  return router;
}

const notStored = { 'Cache-Control': 'no-store' };

async function answers(call: Promise<void>): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), ANSWER_WITHIN_MS);
  const answered = call.then(
    () => true,
    () => false,
  );
  return Promise.race([answered, late]).finally(() => clearTimeout(timer));
}
