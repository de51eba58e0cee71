import { defineEndpoint } from '../endpoint.ts';
import {
  reconciliationFindingPage,
  reconciliationFindingQuery,
  reconciliationRequest,
  reconciliationSchema,
} from '../reconciliation.ts';
import { createdAt, id } from './parts.ts';

const reconciler = { tag: 'Staff', access: ['admin'] } as const;

export const reconciliationEndpoints = {
  startReconciliation: defineEndpoint({
    ...reconciler,
    operationId: 'startReconciliation',
    method: 'post',
    path: '/admin/reconciliations',
    summary: 'Compares all records of a window; one that is under way already is answered',
    idempotencyKey: 'accepted',
    body: reconciliationRequest,
    answers: { 202: { description: 'The run', schema: reconciliationSchema, headers: createdAt } },
    errors: ['IDEMPOTENCY_KEY_REUSED'],
  }),
  getReconciliation: defineEndpoint({
    ...reconciler,
    operationId: 'getReconciliation',
    method: 'get',
    path: '/admin/reconciliations/{id}',
    summary: 'How far a run has come',
    idempotencyKey: 'none',
    params: id('rec'),
    answers: { 200: { description: 'The run', schema: reconciliationSchema } },
    errors: ['NOT_FOUND'],
  }),
  listReconciliationFindings: defineEndpoint({
    ...reconciler,
    operationId: 'listReconciliationFindings',
    method: 'get',
    path: '/admin/reconciliations/{id}/findings',
    summary: 'The report of a run',
    idempotencyKey: 'none',
    params: id('rec'),
    query: reconciliationFindingQuery,
    answers: { 200: { description: 'A page of differences', schema: reconciliationFindingPage } },
    errors: ['NOT_FOUND'],
  }),
};
