import type { ChangeAnswer, ExchangeAnswer } from '../../contracts/change-messages.ts';
import { findChange } from '../../read-model/booking-changes.ts';
import type { ReadModel } from '../../read-model/database.ts';

/** The change is on record: its first answer got lost, and the rows are what there is to tell. */
export const DONE_BEFORE = 'done before';

/**
 * Asks a booking for a change. What is on record already is not refused because of another change that is under way by now:
 * changes come one after the other, so that all of it but its money is done.
 */
export async function heardOrDone<Answer extends ChangeAnswer | ExchangeAnswer>(
  db: ReadModel,
  changeId: string,
  ask: () => Promise<Answer>,
): Promise<Answer | typeof DONE_BEFORE> {
  const answer = await ask();
  const isUnheard = !answer.ok && answer.refusal === 'CHANGE_IN_PROGRESS';
  return isUnheard && (await findChange(db, changeId)) ? DONE_BEFORE : answer;
}
