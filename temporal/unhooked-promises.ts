import v8 from 'node:v8';

/**
 * Runs `work` so that the SDK, which installs its promise hook for good when the first worker is made, installs none. The
 * hook notes where each promise of a workflow was made, for the query `__stack_trace`; with workflows in the main thread it
 * compiles a function for every promise of the whole process, twice (docs/decisions/0010). Our workers make no stack
 * traces anyway (`--stack-trace-limit=0`).
 */
export async function withoutPromiseHook<Result>(work: () => Promise<Result>): Promise<Result> {
  const { createHook } = v8.promiseHooks;
  v8.promiseHooks.createHook = () => () => undefined;
  try {
    return await work();
  } finally {
    v8.promiseHooks.createHook = createHook;
  }
}
