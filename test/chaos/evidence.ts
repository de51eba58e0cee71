import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bookingChangeWorkflowId, bookingWorkflowId, showWorkflowId } from '../../src/contracts/workflow-ids.ts';
import { printHistory } from '../setup/print-history.ts';
import type { Cluster } from './cluster.ts';

/** A run that breaks one promise often breaks it many times; the first ones tell why. */
const HISTORIES_MAX = 20;

/** Beside a run that broke a promise: what each process said last, and the histories of the shows and bookings it was broken for. */
export async function keepEvidence(cluster: Cluster, broken: readonly string[], folder: string): Promise<void> {
  for (const [name, lines] of cluster.lines) writeFileSync(join(folder, `${name}.log`), `${lines.join('\n')}\n`);
  for (const workflowId of workflowsOf(broken).slice(0, HISTORIES_MAX)) {
    const file = join(folder, `${workflowId.replaceAll('/', '-')}.history.json`);
    writeFileSync(
      file,
      await printHistory(cluster.temporalAddress, { workflowId, namespace: 'default' }).catch(String),
    );
  }
}

function workflowsOf(sentences: readonly string[]): string[] {
  const all = sentences.join(' ');
  const named = (prefix: string) => all.match(new RegExp(`${prefix}_[\\w-]{22}`, 'g')) ?? [];
  const bookings = named('bkg').flatMap((id) => [bookingWorkflowId(id), bookingChangeWorkflowId(id)]);
  const running = all.match(/(?<=workflow )\S+(?= runs)/g) ?? [];
  return [...new Set([...running, ...named('shw').map(showWorkflowId), ...bookings])];
}
