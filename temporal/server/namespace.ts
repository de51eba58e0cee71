import type { Connection } from '@temporalio/client';
import { msToTs, optionalTsToMs } from '@temporalio/common/lib/time.js';
import { searchAttributes } from '../../src/contracts/workflow-ids.ts';
import type { Logger } from '../../src/platform/logger.ts';
import { TemporalUnavailableError } from './contract.ts';
import { bounded, eventually, grpcStatus, hasStatus, withFrontend } from './frontend.ts';

/** Closed workflows are kept for operators to read: a long weekend. */
const retentionMs = 72 * 3_600_000;
/** The server's parts learn of a new namespace or attribute from caches; an external server's refresh takes 10 s. */
const propagationTimeoutMs = 45_000;
/** `INDEXED_VALUE_TYPE_KEYWORD` of the API. */
const keyword = 2;

const { permissionDenied, unauthenticated, unimplemented } = grpcStatus;

export interface NamespaceOptions {
  readonly address: string;
  readonly namespace: string;
  readonly log: Logger;
  /** A server of our own: a missing namespace is registered, and its retention is ours to set. */
  readonly own: boolean;
}

/**
 * Makes the namespace ready for our workflows: registered, and with the search attributes they set. Returns when the
 * server knows them, so that a worker may start. Repeated, it changes nothing.
 * @throws TemporalUnavailableError saying what an operator has to do, where the server does not let us.
 */
export function setUpNamespace({ address, namespace, log, own }: NamespaceOptions): Promise<void> {
  return withFrontend(address, async (connection) => {
    if (own) await ensureNamespace(connection, namespace);
    else await requireNamespace(connection, namespace, address);
    const added = await ensureSearchAttributes(connection, namespace);
    if (added.length > 0) log.info({ namespace, added }, 'search attributes added');
  });
}

/** The columns that hold the namespace's search attributes, as a server on SQL names them: `Keyword07`. */
export async function searchColumnsOf(address: string, namespace: string): Promise<string[]> {
  return withFrontend(address, async (connection) => {
    const description = await describeNamespace(connection, namespace);
    return Object.keys(description?.config?.customSearchAttributeAliases ?? {});
  });
}

async function ensureNamespace(connection: Connection, namespace: string): Promise<void> {
  const retention = msToTs(retentionMs);
  const description = await describeNamespace(connection, namespace);
  if (description === null) {
    try {
      await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: retention });
    } catch (error) {
      if (!hasStatus(error, grpcStatus.alreadyExists)) throw error;
    }
    await eventually(() => probeNamespace(connection, namespace), { timeoutMs: propagationTimeoutMs });
    return;
  }
  // A development server registers its namespaces itself, with a day.
  if ((optionalTsToMs(description.config?.workflowExecutionRetentionTtl) ?? 0) >= retentionMs) return;
  const config = { workflowExecutionRetentionTtl: retention };
  await connection.workflowService.updateNamespace({ namespace, config });
}

async function requireNamespace(connection: Connection, namespace: string, address: string): Promise<void> {
  if ((await describeNamespace(connection, namespace)) !== null) return;
  throw new TemporalUnavailableError(
    `The Temporal server at ${address} has no namespace ${namespace}: create it, or name another one in TEMPORAL_NAMESPACE.`,
  );
}

async function describeNamespace(connection: Connection, namespace: string) {
  try {
    return await bounded(connection, undefined, () => connection.workflowService.describeNamespace({ namespace }));
  } catch (error) {
    if (hasStatus(error, grpcStatus.notFound)) return null;
    throw error;
  }
}

/** A visibility query goes through the frontend's own cache of namespaces, which is what has to know it. */
async function probeNamespace(connection: Connection, namespace: string): Promise<void> {
  await bounded(connection, undefined, () => connection.workflowService.countWorkflowExecutions({ namespace }));
}

/** @returns names of the attributes that were missing. */
async function ensureSearchAttributes(connection: Connection, namespace: string): Promise<string[]> {
  const missing: string[] = [];
  for (const name of Object.values(searchAttributes)) {
    if (!(await isKnown(connection, namespace, name))) missing.push(name);
  }
  if (missing.length === 0) return [];
  await addSearchAttributes(connection, namespace, missing);
  await eventually(
    async () => {
      for (const name of missing) {
        if (!(await isKnown(connection, namespace, name))) throw new Error(`search attribute ${name} is not known yet`);
      }
    },
    { timeoutMs: propagationTimeoutMs },
  );
  return missing;
}

/** Asked by using it: whoever may run workflows may query them, while listing attributes may be an operator's right. */
async function isKnown(connection: Connection, namespace: string, name: string): Promise<boolean> {
  try {
    await bounded(connection, undefined, () =>
      connection.workflowService.countWorkflowExecutions({ namespace, query: `${name} = 'probe'` }),
    );
    return true;
  } catch (error) {
    if (hasStatus(error, grpcStatus.invalidArgument)) return false;
    throw error;
  }
}

async function addSearchAttributes(connection: Connection, namespace: string, names: readonly string[]): Promise<void> {
  try {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(names.map((name) => [name, keyword])),
    });
  } catch (error) {
    // Another process was quicker.
    if (hasStatus(error, grpcStatus.alreadyExists)) return;
    if (!hasStatus(error, permissionDenied, unauthenticated, unimplemented)) throw error;
    throw new TemporalUnavailableError(
      `The Temporal namespace ${namespace} lacks search attributes that we may not add: ask its operator to create ` +
        `${names.join(', ')}, each of type Keyword.`,
    );
  }
}
