import { isDeepStrictEqual } from 'node:util';
import { errorCodes } from '../../contracts/error-codes.ts';
import { fingerprintOf } from '../../platform/ids.ts';
import type { ReadModel, ReadModelTransaction } from '../../read-model/database.ts';
import { saveAnswers, type KeptAnswer } from '../../read-model/idempotency-answers.ts';
import type { Batches } from '../batches.ts';
import type { Answer } from '../http/answer.ts';
import { ApiError } from '../http/api-error.ts';
import { problemAnswer, toApiError } from '../http/problem.ts';

/** A POST as its repeats recognise it. */
export interface Repeatable {
  /** The user, or the address of someone without an account. */
  readonly caller: { readonly userId: string } | null;
  readonly ip: string;
  /** Null: the caller does not mean to repeat it. */
  readonly idempotencyKey: string | null;
  readonly body: unknown;
  readonly path: string;
  readonly requestId: string;
}

/** What identifies a remembered answer. */
export type AnswerKey = Pick<KeptAnswer, 'scope' | 'key' | 'fingerprint'>;

/** `null` when the request has no key. */
export function answerKeyOf({ caller, ip, idempotencyKey, body, path }: Repeatable): AnswerKey | null {
  if (idempotencyKey === null) return null;
  return {
    scope: `${caller?.userId ?? `ip:${ip}`} POST ${path}`,
    key: idempotencyKey,
    // No body and an empty one are the same to the calls that take either.
    fingerprint: fingerprintOf(body ?? {}),
  };
}

/** Someone else stored the answer first; what this transaction did must not happen. */
class AnsweredBefore extends Error {
  override readonly name = 'AnsweredBefore';
  readonly stored: KeptAnswer;
  constructor(stored: KeptAnswer) {
    super('the request was answered before');
    this.stored = stored;
  }
}

/** Answers of POSTs, kept with their effects: a repeat gets the first answer, whichever process it meets. */
export class AnswerMemory {
  readonly #db: ReadModel;
  readonly #batches: Pick<Batches, 'findAnswer' | 'saveAnswer'>;
  /** Requests under way in this process: a double click waits for the first one's answer. Bounded by the requests. */
  readonly #underWay = new Map<string, Promise<Answer>>();

  constructor(db: ReadModel, batches: Pick<Batches, 'findAnswer' | 'saveAnswer'>) {
    this.#db = db;
    this.#batches = batches;
  }

  /** For an effect that is itself idempotent: done first, its answer stored before it is given. */
  async once(request: Repeatable, effect: (key: AnswerKey | null) => Promise<Answer>): Promise<Answer> {
    const key = answerKeyOf(request);
    if (!key) return effect(null);
    return this.#shared(key, async () => {
      const answer = await answered(request, () => effect(key));
      return isRemembered(answer) ? this.#keep(key, answer) : answer;
    });
  }

  /** For an effect in our own tables: it and its answer are committed together, or neither. */
  async onceInTransaction(
    request: Repeatable,
    effect: (trx: ReadModelTransaction) => Promise<Answer>,
  ): Promise<Answer> {
    const key = answerKeyOf(request);
    if (!key) return this.#db.transaction().execute(effect);
    return this.#shared(key, async () => {
      const answer = await answered(request, () => this.#effectWithAnswer(key, effect));
      // A refusal has rolled its transaction back, and with it the answer.
      return answer.status >= 400 && isRemembered(answer) ? this.#keep(key, answer) : answer;
    });
  }

  async #effectWithAnswer(key: AnswerKey, effect: (trx: ReadModelTransaction) => Promise<Answer>): Promise<Answer> {
    try {
      return await this.#db.transaction().execute(async (trx) => {
        const answer = await effect(trx);
        const kept = keptAnswer(key, answer);
        const [stored] = await saveAnswers(trx, [kept]);
        if (!isDeepStrictEqual(stored, kept)) throw new AnsweredBefore(stored!);
        return answer;
      });
    } catch (error) {
      if (error instanceof AnsweredBefore) return replay(error.stored, key);
      throw error;
    }
  }

  async #shared(key: AnswerKey, perform: () => Promise<Answer>): Promise<Answer> {
    const name = JSON.stringify([key.scope, key.key, key.fingerprint]);
    const underWay = this.#underWay.get(name);
    if (underWay) return replayed(await underWay);
    const answer = this.#storedOr(key, perform).finally(() => this.#underWay.delete(name));
    this.#underWay.set(name, answer);
    return answer;
  }

  async #storedOr(key: AnswerKey, perform: () => Promise<Answer>): Promise<Answer> {
    const stored = await this.#batches.findAnswer(key);
    return stored ? replay(stored, key) : perform();
  }

  async #keep(key: AnswerKey, answer: Answer): Promise<Answer> {
    const kept = keptAnswer(key, answer);
    const stored = await this.#batches.saveAnswer(kept);
    return isDeepStrictEqual(stored, kept) ? answer : replay(stored, key);
  }
}

/** Everything is remembered except what says "try again". */
const isRemembered = ({ status }: Answer): boolean => status < 500 && status !== 429;

/**
 * A refusal as an answer, so that it can be remembered; failures of ours pass. So does "used with another body": that
 * is no answer of this key, and stored it would take the key from the request that owns it.
 */
async function answered(request: Repeatable, effect: () => Promise<Answer>): Promise<Answer> {
  try {
    return await effect();
  } catch (error) {
    const refusal = toApiError(error);
    if (refusal.code === 'IDEMPOTENCY_KEY_REUSED' || errorCodes[refusal.code][0] >= 500) throw error;
    return problemAnswer(refusal, request.path, request.requestId);
  }
}

const keptAnswer = (key: AnswerKey, { status, headers = {}, body = null }: Answer): KeptAnswer => ({
  ...key,
  status,
  headers,
  // As JSON gives it back: fields that are undefined are gone.
  body: JSON.parse(JSON.stringify(body)) as unknown,
});

function replay(stored: KeptAnswer, key: AnswerKey): Answer {
  if (stored.fingerprint !== key.fingerprint) throw keyReused();
  return replayed({ status: stored.status, headers: stored.headers, body: stored.body });
}

export const replayed = (answer: Answer): Answer => ({
  ...answer,
  headers: { ...answer.headers, 'Idempotent-Replayed': 'true' },
});

export const keyReused = (): ApiError =>
  new ApiError('IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was used with another request.');
