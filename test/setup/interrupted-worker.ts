import { type Activities, exitWithWorker, runWorkerProcess } from '../../src/main/worker-process.ts';

/**
 * A worker that sends itself a signal at the first run of one activity, or at that of a number: `chargePayment#2`.
 * `INTERRUPT_AT` is the activity's name behind `before` or `after`, `INTERRUPT_BY` the signal: with SIGKILL, `after chargePayment` dies with the charge made and
 * nobody told; with SIGSTOP it stands still there, and goes on where it was when somebody continues it.
 */
const [moment, wanted] = process.env.INTERRUPT_AT?.split(' ') ?? [];
const [activity, run = '1'] = wanted?.split('#') ?? [];
const signal = process.env.INTERRUPT_BY as NodeJS.Signals;
type Activity = (...args: unknown[]) => Promise<unknown>;

let runs = 0;
let interrupted = false;

function decorate(activities: Activities): Activities {
  const name = Object.keys(activities).find((each) => each === activity) as keyof Activities | undefined;
  if (name === undefined || (moment !== 'before' && moment !== 'after')) {
    throw new Error(`INTERRUPT_AT is to be 'before' or 'after' and an activity, not '${process.env.INTERRUPT_AT}'`);
  }
  const original = (activities as unknown as Record<string, Activity>)[name]!;
  const interruptible = async (...args: unknown[]): Promise<unknown> => {
    runs += 1;
    const isTheOne = runs === Number(run);
    if (isTheOne && moment === 'before') interrupt();
    const result = await original(...args);
    if (isTheOne && moment === 'after') interrupt();
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
