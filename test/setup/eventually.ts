import { setTimeout as delay } from 'node:timers/promises';

const LOOK_AGAIN_MS = 25;

/** Tries an expectation until it holds, for what nobody announces; past `withinMs` its last failure is thrown. */
export async function eventually<Result>(
  expectation: () => Result | Promise<Result>,
  withinMs = 15_000,
): Promise<Result> {
  const deadlineMs = Date.now() + withinMs;
  for (;;) {
    try {
      return await expectation();
    } catch (error) {
      if (Date.now() >= deadlineMs) throw error;
    }
    await delay(LOOK_AGAIN_MS);
  }
}
