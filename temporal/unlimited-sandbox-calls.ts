import { Script } from 'node:vm';

/** What the SDK gives as time limit where it limits nothing, as it does with `debugMode`: 2³² − 1 milliseconds. */
const UNLIMITED_MS = 4_294_967_295;

/**
 * Node makes a thread for each call into a sandbox that has a time limit, to end it: a fifth of a
 * worker's CPU time (docs/decisions/0010). One that would wake up after 49 days is spared. To be called before the first
 * worker is made.
 */
export function spareThreadsOfUnlimitedCalls(): void {
  const run = Reflect.get(Script.prototype, 'runInContext') as (
    this: Script,
    ...args: Parameters<Script['runInContext']>
  ) => unknown;
  Script.prototype.runInContext = function (this: Script, context, options) {
    const limited = options?.timeout === UNLIMITED_MS ? { ...options, timeout: undefined } : options;
    return run.call(this, context, limited);
  };
}
