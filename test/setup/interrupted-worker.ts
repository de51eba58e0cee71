import { type Activities, exitWithWorker, runWorkerProcess } from '../../src/main/worker-process.ts';

/**
 * A worker that sends itself a signal before it begins an activity, or after it has succeeded in one, for the first time or for
 * that of a number: `chargePayment#2`. `INTERRUPT_AT` is the activity's name behind `before` or `after`, `INTERRUPT_BY` the
 * signal: with SIGKILL, `after chargePayment` dies with the charge made and nobody told; with SIGSTOP it stands still there,
 * and goes on where it was when somebody continues it.
 */
const [moment, wanted] = process.env.INTERRUPT_AT?.split(' ') ?? [];
const [activity, run = '1'] = wanted?.split('#') ?? [];
const signal = process.env.INTERRUPT_BY as NodeJS.Signals;
type Activity = (...args: unknown[]) => Promise<unknown>;

let begun = 0;
let succeeded = 0;
let interrupted = false;

function decorate(activities: Activities): Activities {
  const name = Object.keys(activities).find((each) => each === activity) as keyof Activities | undefined;
  if (name === undefined || (moment !== 'before' && moment !== 'after')) {
    throw new Error(`INTERRUPT_AT is to be 'before' or 'after' and an activity, not '${process.env.INTERRUPT_AT}'`);
  }
  const original = (activities as unknown as Record<string, Activity>)[name]!;
  const interruptible = async (...args: unknown[]): Promise<unknown> => {
    begun += 1;
    if (moment === 'before' && begun === Number(run)) interrupt();
    const result = await original(...args);
    succeeded += 1;
    if (moment === 'after' && succeeded === Number(run)) interrupt();
    return result;
  };
  return { ...activities, [name]: interruptible };
}

function interrupt(): void {
  if (interrupted) return;
  interrupted = true;
  process.stdout.write('{"msg":"interrupted"}\n');
  process.kill(process.pid, signal);
}

exitWithWorker(runWorkerProcess(decorate));
