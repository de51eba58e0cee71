import { bundleWorkflowCode } from '@temporalio/worker';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/**
 * Loaded once for all workflows of a worker instead of once for each: they and what they import keep no state of their
 * own, which a module of `workflows/` may.
 */
const shared = [
  'src/domain/seat-map.ts',
  'src/domain/booking-process.ts',
  'src/contracts/booking-messages.ts',
  'src/contracts/charge-outcomes.ts',
  'src/contracts/payment-time-limits.ts',
  'src/contracts/show-messages.ts',
  'src/contracts/workflow-ids.ts',
];

/** Bundles the workflows into the file given as argument. */
const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('usage: build-bundle FILE');

const ours = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url));

const { code } = await bundleWorkflowCode({
  workflowsPath: ours('workflows/index.ts'),
  preloadModules: shared.map(ours),
});
await writeFile(path, code);
