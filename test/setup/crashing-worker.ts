import { type Activities, exitWith, runWorkerProcess } from '../../src/main/worker-process.ts';

/**
 * A worker that kills itself, as kill -9 would, at the first run of one activity: `CRASH_AT` is its name behind `before`
 * or `after`, so `after chargePayment` dies with the charge made and nobody told.
 */
const [moment, activity] = process.env.CRASH_AT?.split(' ') ?? [];

function decorate(activities: Activities): Activities {
  const name = Object.keys(activities).find((each) => each === activity) as keyof Activities | undefined;
  if (name === undefined || (moment !== 'before' && moment !== 'after')) {
    throw new Error(`CRASH_AT is to be 'before' or 'after' and an activity, not '${process.env.CRASH_AT}'`);
  }
  const original = activities[name] as (...args: unknown[]) => Promise<unknown>;
  const crashing = async (...args: unknown[]): Promise<unknown> => {
    if (moment === 'after') await original(...args);
    process.kill(process.pid, 'SIGKILL');
    // The signal is on its way: nothing may be answered any more.
    return new Promise(() => undefined);
  };
  return { ...activities, [name]: crashing };
}

exitWith(runWorkerProcess(decorate));
