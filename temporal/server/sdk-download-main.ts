import { TestWorkflowEnvironment } from '@temporalio/testing';

/**
 * Lets the SDK download the CLI that it is made for into the folder given as argument, in a process of its own so
 * that a download which hangs can be ended. The SDK has no call that only downloads: starting its server is the
 * supported way, and shows that the file runs.
 */
const [downloadDir] = process.argv.slice(2);
if (downloadDir === undefined) throw new Error('usage: sdk-download-main DOWNLOAD_DIR');

try {
  const environment = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'cached-download', downloadDir } },
  });
  await environment.teardown();
} catch (error) {
  // The SDK's message names the cause; its stack is the SDK's own.
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
