import { expect, jest } from '@jest/globals';
import { eventually } from '../setup/eventually.ts';

/**
 * A call whose time is over once `isThere` holds, however long that takes: what is to happen before has happened then.
 * @param timeoutMs what the call is given; it may not take more for any request of its own
 */
export async function untilThere<Outcome>(
  isThere: () => void | Promise<void>,
  timeoutMs: number,
  call: (timeoutMs: number) => Promise<Outcome>,
): Promise<Outcome> {
  const time = new AbortController();
  const timeout = jest.spyOn(AbortSignal, 'timeout').mockReturnValue(time.signal);
  try {
    const outcome = call(timeoutMs);
    await eventually(isThere);
    for (const [givenMs] of timeout.mock.calls) expect(givenMs).toBeLessThanOrEqual(timeoutMs);
    time.abort(new DOMException('its time is over', 'TimeoutError'));
    return await outcome;
  } finally {
    timeout.mockRestore();
  }
}
