import { log } from '@temporalio/activity';
import type { ActorRecords } from '../src/contracts/reconciliation.ts';
import type { CaseAttempt, CaseRefund, MoneyCase } from '../src/domain/money-differences.ts';
import { moneyDifferences } from '../src/domain/money-differences.ts';
import {
  type Difference,
  difference,
  isSameDifference,
  type JudgedBefore,
  type Movement,
} from '../src/domain/reconciliation.ts';
import { seatDifferences } from '../src/domain/seat-differences.ts';
import { unpackClaims } from '../src/domain/seat-map-snapshot.ts';
import type { PaymentGateway } from '../src/gateways/payment-gateway.ts';
import type { ReadModel } from '../src/read-model/database.ts';
import {
  findStoredMap,
  findUnsentEvent,
  findUnsentEvents,
  loadMoneyCases,
  loadSeatRecords,
  type RecordedCase,
  type UnsentEvent,
} from '../src/read-model/reconciliation.ts';

export interface EvidenceDeps {
  readonly db: ReadModel;
  readonly gateway: PaymentGateway;
  readonly actors: ActorRecords;
}

/** The provider does not answer for one of the payments: nothing can be said of the case now. */
export class NoEvidenceError extends Error {
  override readonly name = 'NoEvidenceError';
}

/** Of what can't be judged now, because a provider does not answer, nothing is said. */
export async function unlessWithoutEvidence<Result>(look: () => Promise<Result>, otherwise: Result): Promise<Result> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof NoEvidenceError)) throw error;
    log.warn('a case could not be judged', { error });
    return otherwise;
  }
}

/** Messages that are looked at in one run: with more of them it is the relay that is ill. */
export const UNSENT_EVENTS_MAX = 500;
/** The same of workflows that say that they are stuck. */
export const STUCK_WORKFLOWS_MAX = 500;

const openAttempt = new Set<CaseAttempt['status']>(['SUCCEEDED', 'PENDING', 'UNKNOWN']);

/**
 * The differences of single cases, with all evidence that there is: what lies outside the window is asked for by its key,
 * so that no border makes a difference.
 */
export class Evidence {
  readonly #deps: EvidenceDeps;

  constructor(deps: EvidenceDeps) {
    this.#deps = deps;
  }

  /**
   * @param known movements of the case, as the window's books have them
   * @throws NoEvidenceError
   */
  async ofMoney(recorded: RecordedCase, known: readonly Movement[], before: JudgedBefore): Promise<Difference[]> {
    const partial: MoneyCase = { ...recorded, movements: known, pendingRefunds: [], isAtWork: null, isOwned: null };
    // All else would only show less.
    if (moneyDifferences(partial, before).length === 0) return [];
    const asked = await this.#askProvider(partial);
    if (moneyDifferences(asked, before).length === 0) return [];
    return moneyDifferences({ ...asked, ...(await this.#atWork(recorded)) }, before);
  }

  /** The differences of one show that are nobody's work just now. */
  async ofSeats(
    showId: string,
    before: JudgedBefore,
    alsoAbout: readonly string[] = [],
  ): Promise<{ readonly differences: Difference[]; readonly view: ShowView | null }> {
    const { db, actors } = this.#deps;
    // In this order: what readers see is never ahead of the show as it is seen after it.
    const snapshot = await findStoredMap(db, showId);
    const view = await actors.seatMap(showId);
    const claims = view ? unpackClaims(view.claims, view.statuses) : [];
    const claimants = [...claims.map(({ bookingId }) => bookingId), ...alsoAbout];
    const { rows, bookings } = await loadSeatRecords(db, showId, claimants);
    const show = view && { version: view.version, changedAtMs: view.changedAtMs, statuses: view.statuses, claims };
    const found = seatDifferences({ showId, show, rows, bookings, snapshot }, before);
    const differences: Difference[] = [];
    for (const each of found) {
      const isBusy = each.bookingId !== null && (await actors.isAtWork(each.bookingId));
      if (!isBusy) differences.push(each);
    }
    return { differences, view: show };
  }

  async ofMessages(writtenBeforeMs: number): Promise<Difference[]> {
    const { db, actors } = this.#deps;
    const [unsent, stuck] = await Promise.all([
      findUnsentEvents(db, { writtenBeforeMs, limit: UNSENT_EVENTS_MAX }),
      actors.stuckWorkflows(STUCK_WORKFLOWS_MAX),
    ]);
    return [...unsent.map(neverSent), ...stuck.map(isStuck)];
  }

  /**
   * The same difference, looked for anew; null when there is none any more.
   * @throws NoEvidenceError
   */
  async again(known: Difference, before: JudgedBefore): Promise<Difference | null> {
    const found = await this.#lookAgain(known, before);
    return found.find((each) => isSameDifference(each, known)) ?? null;
  }

  async #lookAgain(known: Difference, before: JudgedBefore): Promise<readonly Difference[]> {
    if (known.kind === 'stuck_workflow') {
      return (await this.#deps.actors.isStuck(known.subject)) ? [known] : [];
    }
    if (known.kind === 'event_never_sent') {
      const event = await findUnsentEvent(this.#deps.db, unsentEventOf(known));
      return event ? [neverSent(event)] : [];
    }
    if (isAboutSeats(known)) {
      const alsoAbout = known.bookingId === null ? [] : [known.bookingId];
      return (await this.ofSeats(known.showId!, before, alsoAbout)).differences;
    }
    // Of money whose booking nobody knows, nothing can be found out but that it is there.
    if (known.bookingId === null) return [known];
    const cases = await loadMoneyCases(this.#deps.db, [known.bookingId]);
    return (await Promise.all(cases.map((each) => this.ofMoney(each, known.evidence, before)))).flat();
  }

  async #askProvider(records: MoneyCase): Promise<MoneyCase> {
    const { attempts, refunds, movements } = records;
    const hasCharge = ({ id }: CaseAttempt) =>
      movements.some(({ kind, attemptId }) => kind === 'charge' && attemptId === id);
    const unseen = attempts.filter((attempt) => openAttempt.has(attempt.status) && !hasCharge(attempt));
    const charges = await Promise.all(unseen.map((attempt) => this.#chargeOf(attempt)));
    const hasMade = ({ id }: CaseRefund) => movements.some(({ refundId }) => refundId === id);
    const unmade = refunds.filter((refund) => refund.status !== 'FAILED' && !hasMade(refund));
    const made = await Promise.all(unmade.map((refund) => this.#refundOf(refund, attempts)));
    return {
      ...records,
      movements: [...movements, ...charges.flat(), ...made.flatMap(({ movement }) => movement)],
      pendingRefunds: made.flatMap(({ pending }) => pending),
    };
  }

  async #chargeOf(attempt: CaseAttempt): Promise<Movement[]> {
    const found = await this.#deps.gateway.findCharge(attempt.id);
    if (found.status === 'unknown') throw new NoEvidenceError(found.reason);
    if (found.status !== 'succeeded') return [];
    const { provider, providerReference: id, captured = attempt } = found;
    const { bookingId, amount } = captured;
    const about = { bookingId, attemptId: attempt.id, refundId: null, amount, atMs: attempt.createdAtMs };
    return [{ id, provider, kind: 'charge', ...about }];
  }

  async #refundOf(
    refund: CaseRefund,
    attempts: readonly CaseAttempt[],
  ): Promise<{ movement: Movement[]; pending: string[] }> {
    const found = await this.#deps.gateway.findRefund(refund.id);
    if (found.status === 'unknown') throw new NoEvidenceError(found.reason);
    if (found.status === 'pending') return { movement: [], pending: [refund.id] };
    if (found.status !== 'succeeded') return { movement: [], pending: [] };
    const { id: refundId, attemptId, bookingId, amount, updatedAtMs: atMs } = refund;
    const provider = attempts.find(({ id }) => id === attemptId)?.provider ?? this.#deps.gateway.provider;
    const about = { bookingId, attemptId, refundId, amount, atMs };
    return { movement: [{ id: found.providerReference, provider, kind: 'refund', ...about }], pending: [] };
  }

  async #atWork({ id, bookings }: RecordedCase): Promise<Pick<MoneyCase, 'isAtWork' | 'isOwned'>> {
    const { actors } = this.#deps;
    const ids = bookings.length > 0 ? bookings.map((booking) => booking.id) : [id];
    const atWork = await Promise.all(ids.map((each) => actors.isAtWork(each)));
    if (!atWork.includes(true)) return { isAtWork: false, isOwned: false };
    const owned = await Promise.all(ids.map((each) => actors.isOwned(each)));
    return { isAtWork: true, isOwned: owned.includes(true) };
  }
}

export type ShowView = NonNullable<Parameters<typeof seatDifferences>[0]['show']>;

const seatKinds: ReadonlySet<Difference['kind']> = new Set([
  'hold_without_booking',
  'seat_in_show_only',
  'seat_in_rows_only',
  'seat_row_missing',
  'seat_not_in_show',
  'seat_sold_twice',
  'seat_map_differs',
]);

export const isAboutSeats = ({ kind }: Pick<Difference, 'kind'>): boolean => seatKinds.has(kind);

/** What `neverSent` names by its subject. */
export function unsentEventOf({ subject }: Pick<Difference, 'subject'>): Pick<UnsentEvent, 'eventId' | 'queue'> {
  const slash = subject.lastIndexOf('/');
  return { queue: subject.slice(0, slash) || null, eventId: Number(subject.slice(slash + 1)) };
}

const neverSent = ({ eventId, bookingId, type, queue, lastError }: UnsentEvent): Difference =>
  difference({
    kind: 'event_never_sent',
    subject: `${queue ?? ''}/${eventId}`,
    bookingId,
    needsPerson: queue === null,
    detail: queue === null ? `${type}: not handed out by the relay` : `${type}: given up for ${queue}: ${lastError}`,
  });

const isStuck = (workflowId: string): Difference =>
  difference({
    kind: 'stuck_workflow',
    subject: workflowId,
    bookingId: /^booking\/([^/]+)/.exec(workflowId)?.[1] ?? null,
    detail: 'see its pending activity',
  });
