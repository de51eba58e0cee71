import { type Activities, exitWithWorker, runWorkerProcess } from '../../src/main/worker-process.ts';

/**
 * A worker that sends itself a signal before it begins an activity, or after it has succeeded in one, for the first time or for
 * that of a number: `chargePayment#2`. `INTERRUPT_AT` is the activity's name behind `before` or `after`, `INTERRUPT_BY` the
 * signal: with SIGKILL, `after chargePayment` dies with the charge made and nobody told; with SIGSTOP it stands still there,
 * and goes on where it was when somebody continues it. The first call of the activity that `INTERRUPT_FAILING` names fails: it is
 * tried again as a task, so that what it answers stands in the history when all that a lost task has done after it does not.
 */
const [moment, wanted] = process.env.INTERRUPT_AT?.split(' ') ?? [];
const [activity, run = '1'] = wanted?.split('#') ?? [];
const signal = process.env.INTERRUPT_BY as NodeJS.Signals;
type Activity = (...args: unknown[]) => Promise<unknown>;

let begun = 0;
let succeeded = 0;
let interrupted = false;

const decorate = (activities: Activities): Activities => interruptible(failingOnce(activities));

function failingOnce(activities: Activities): Activities {
  const name = process.env.INTERRUPT_FAILING as keyof Activities | undefined;
  if (name === undefined) return activities;
  const original = (activities as unknown as Record<string, Activity>)[name]!;
  let hasFailed = false;
  const failing = async (...args: unknown[]): Promise<unknown> => {
    if (hasFailed) return original(...args);
    hasFailed = true;
    throw new Error(`the first call of ${name} fails`);
  };
  return { ...activities, [name]: failing };
}

function interruptible(activities: Activities): Activities {
  const name = Object.keys(activities).find((each) => each === activity) as keyof Activities | undefined;
  if (name === undefined || (moment !== 'before' && moment !== 'after')) {
    throw new Error(`INTERRUPT_AT is to be 'before' or 'after' and an activity, not '${process.env.INTERRUPT_AT}'`);
  }
  const original = (activities as unknown as Record<string, Activity>)[name]!;
  const decorated = async (...args: unknown[]): Promise<unknown> => {
    begun += 1;
    if (moment === 'before' && begun === Number(run)) interrupt();
    const result = await original(...args);
    succeeded += 1;
    if (moment === 'after' && succeeded === Number(run)) interrupt();
    return result;
  };
  return { ...activities, [name]: decorated };
}

function interrupt(): void {
  if (interrupted) return;
  interrupted = true;
  process.stdout.write('{"msg":"interrupted"}\n');
  process.kill(process.pid, signal);
}

exitWithWorker(runWorkerProcess(decorate));
