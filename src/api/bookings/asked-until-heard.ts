import { setTimeout as delay } from 'node:timers/promises';
import { OutcomeUnknownError } from '../../contracts/workflow-client.ts';
import { findChange } from '../../read-model/booking-changes.ts';
import type { ReadModel } from '../../read-model/database.ts';

/** Changes of one booking follow each other in tens of milliseconds; past this the caller is told to repeat. */
const ASKED_AGAIN_MAX = 30;
const ASK_AGAIN_AFTER_MS = 100;

/**
 * Asks a booking for a change until it is heard, where it has been done already: its first answer may have got lost between
 * two runs of the booking's changes, and then another change that is under way would be said to be in its way.
 * @throws OutcomeUnknownError
 */
export async function askedUntilHeard<Answer extends { readonly ok: boolean }>(
  db: ReadModel,
  changeId: string,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  for (let asked = 0; asked < ASKED_AGAIN_MAX; asked += 1) {
    const answer = await ask();
    if (!isUnheard(answer) || !(await findChange(db, changeId))) return answer;
    await delay(ASK_AGAIN_AFTER_MS);
  }
  throw new OutcomeUnknownError(`change ${changeId} has been done, and its answer was not to be had`);
}

const isUnheard = (answer: object): boolean => 'refusal' in answer && answer.refusal === 'CHANGE_IN_PROGRESS';
