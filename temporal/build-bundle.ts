import { bundleWorkflowCode } from '@temporalio/worker';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** Bundles the workflows into the file given as argument. */
const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('usage: build-bundle FILE');

const workflows = fileURLToPath(new URL('../workflows/index.ts', import.meta.url));
// Preloaded, all modules are loaded once for all workflows of a worker, not anew for each (docs/decisions/0010). None of
// them may have a state of its own (eslint.config.js); what a workflow remembers is in workflows/own-state.ts.
const { code } = await bundleWorkflowCode({ workflowsPath: workflows, preloadModules: [workflows] });
await writeFile(path, code);
