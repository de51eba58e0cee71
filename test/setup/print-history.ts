import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createLogger } from '../../src/platform/logger.ts';
import { defaultCacheDir, obtainTemporalCli } from '../../temporal/server/obtain.ts';

const HISTORY_BYTES_MAX = 10 * 1024 * 1024;

export interface WorkflowRun {
  readonly workflowId: string;
  /** Absent: the latest one. */
  readonly runId?: string;
  readonly namespace: string;
}

/** A history as `temporal workflow show` prints it in JSON, and as operators get it. */
export async function printHistory(address: string, { workflowId, runId, namespace }: WorkflowRun): Promise<string> {
  const log = createLogger('temporal', 'warn');
  const cli = await obtainTemporalCli({ cacheDir: defaultCacheDir(process.env), env: process.env, log });
  const workflow = ['--workflow-id', workflowId, ...(runId === undefined ? [] : ['--run-id', runId])];
  const server = ['--address', address, '--namespace', namespace];
  const { stdout } = await promisify(execFile)(cli, ['workflow', 'show', ...workflow, ...server, '--output', 'json'], {
    maxBuffer: HISTORY_BYTES_MAX,
  });
  return stdout;
}
