import { bundleWorkflowCode } from '@temporalio/worker';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** Bundles the workflows into the file given as argument. */
const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('usage: build-bundle FILE');

const { code } = await bundleWorkflowCode({
  workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)),
});
await writeFile(path, code);
