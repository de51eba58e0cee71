import { setTimeout as delay } from 'node:timers/promises';
import type { BookingRequest } from '../../contracts/http/bookings.ts';
import { ENDED, OutcomeUnknownError, type WorkflowClient } from '../../contracts/workflow-client.ts';
import type { Booking, NewBooking } from '../../domain/booking.ts';
import type { SeatCommandResult, SeatConflict, SeatPick, TakenSeatStatus } from '../../domain/seat-commands.ts';
import { derivedId, fingerprintOf } from '../../platform/ids.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Show } from '../../read-model/shows.ts';
import type { SaleAdmission } from '../admission/sale-admission.ts';
import type { SaleSettings } from '../app-deps.ts';
import type { Batches } from '../batches.ts';
import type { PlanForSale, SaleCatalogue } from '../catalogue/sale-catalogue.ts';
import type { Answer } from '../http/answer.ts';
import { keyReused, replayed } from '../idempotency/answer-memory.ts';
import type { Metrics } from '../operations/metrics.ts';
import type { SeatMaps } from '../seats/seat-routes.ts';
import type { ShowCommands } from '../shows/show-commands.ts';
import { bookingAsCreated, bookingPath } from './booking-body.ts';
import { bookingState, salesClosed, seatRefusal } from './refusals.ts';
import { pickOf, priced } from './seat-choice.ts';
import type { SeatsSeenTaken } from './seats-seen-taken.ts';

/** A booking that has ended writes its row just before; a worker that died meanwhile is replaced within seconds. */
const ROW_LOOKS = 10;
const ROW_LOOK_EVERY_MS = 100;

export interface BookingDeskDeps {
  readonly batches: Batches;
  readonly catalogue: SaleCatalogue;
  readonly shows: ShowCommands;
  readonly workflows: WorkflowClient;
  readonly admission: Pick<SaleAdmission, 'mayHold' | 'refusedHold' | 'decide' | 'start'>;
  readonly seatMaps: Pick<SeatMaps, 'glance'>;
  readonly seen: SeatsSeenTaken;
  readonly settings: SaleSettings;
  readonly nowMs: () => number;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'holdDecision'>;
}

type Hold = Extract<SeatCommandResult, { readonly ok: true }> | Extract<SeatCommandResult, { refusal: 'HOLD_ENDED' }>;

/**
 * Makes bookings. There is no table of idempotency keys here: the booking's id follows from caller and key, and is the
 * owner in the show's seat map and the id of the booking's workflow. A repeat finds, in this order, the row, the hold,
 * the workflow, and each knows whether the request was the same.
 */
export class BookingDesk {
  readonly #deps: BookingDeskDeps;

  constructor(deps: BookingDeskDeps) {
    this.#deps = deps;
  }

  /** Holds seats and answers once workflow and row are there. A refusal is not remembered. */
  async book(userId: string, key: string, request: BookingRequest): Promise<Answer> {
    const id = derivedId('bkg', userId, 'POST /bookings', key);
    // Before the row is looked for: should the seats seen booked be this booking's own, its row is found then.
    const statuses = this.#deps.seatMaps.glance(request.showId)?.statuses;
    const { admission, batches, catalogue, settings } = this.#deps;
    const mayHold = admission.mayHold(request.showId);
    if (!mayHold) await this.#refuseUnlessSeenTaken(id, request, statuses);
    const row = await batches.findBooking(id);
    if (row) return repeated(row, fingerprintOf(request));

    const show = await catalogue.show(request.showId);
    if (show.status === 'CANCELLED') throw salesClosed();
    const plan = await catalogue.planOf(show);
    const pick = pickOf(request, plan, settings.limits.seatsPerBookingMax);
    const refusal = this.#seenTaken(id, show, pick, statuses, mayHold);
    if (refusal) {
      this.#deps.metrics.holdDecision('seen taken');
      throw seatRefusal(refusal, plan);
    }
    const fingerprint = fingerprintOf(request);
    const hold = await this.#hold(id, fingerprint, userId, show, plan, pick);
    if (hold === 'booked' || !hold.ok) {
      // It was held, and has ended or been paid already: its row is there, or is being written, or its maker died.
      const known = await this.#lookForRow(id);
      if (known) return repeated(known, fingerprint);
    }
    if (hold === 'booked') throw bookingState('CONFIRMED');
    return this.#open(newBooking(id, userId, fingerprint, show, plan, hold), hold.ok);
  }

  /** `booked`: another copy of the request has held and paid the seats meanwhile. */
  async #hold(
    bookingId: string,
    fingerprint: string,
    buyerId: string,
    show: Show,
    plan: PlanForSale,
    pick: SeatPick,
  ): Promise<Hold | 'booked'> {
    const askedAtMs = this.#deps.nowMs();
    const ttlMs = this.#deps.settings.terms.holdTtlMs;
    const command = { kind: 'hold', bookingId, fingerprint, buyerId, ttlMs, pick } as const;
    const result = await this.#deps.admission.decide(show.id, () => this.#deps.shows.send(show, command));
    this.#deps.metrics.holdDecision(result.ok ? 'granted' : result.refusal);
    if (result.ok) this.#deps.seen.granted(show.id, bookingId, result, askedAtMs);
    if (result.ok || result.refusal === 'HOLD_ENDED') return result;
    if (result.refusal === 'ALREADY_BOOKED') return 'booked';
    if (result.refusal === 'SEAT_UNAVAILABLE') this.#deps.seen.refused(show.id, result, askedAtMs);
    throw seatRefusal(result, plan);
  }

  /**
   * In an overload, before anything is done for the request, but for one whose seats are seen taken: that is told so,
   * which costs little and spares its repeats.
   * @throws TooBusyError
   */
  async #refuseUnlessSeenTaken(id: string, request: BookingRequest, statuses: string | undefined): Promise<void> {
    const { admission, catalogue, settings } = this.#deps;
    const show = await catalogue.show(request.showId);
    const pick = pickOf(request, await catalogue.planOf(show), settings.limits.seatsPerBookingMax);
    if (!this.#seenTaken(id, show, pick, statuses, false)) throw admission.refusedHold(show.id);
  }

  /**
   * Spares a hot show the storm: what it would refuse is refused here, where that is known. `statuses` are from before
   * the booking's row was looked for: a seat that was seen booked then is not this booking's. A seat that is only seen
   * held may be: its maker may have died before its row. So there it takes a sight that tells whose it is.
   */
  #seenTaken(id: string, show: Show, pick: SeatPick, statuses: string | undefined, mayHold: boolean) {
    const nowMs = this.#deps.nowMs();
    if (nowMs < show.salesOpenAtMs || nowMs >= show.salesCloseAtMs) return null;
    const { seen } = this.#deps;
    if (!('seats' in pick)) return seen.hasReturned(show.id, nowMs) ? null : seenSoldOut(statuses);
    const statusOf = (seat: number) => (seen.isReturned(show.id, seat, nowMs) ? 'a' : (statuses?.[seat] ?? 'a'));
    // One that wants a booked seat is refused here, whatever becomes of the others: another request has to look.
    const isAsked = mayHold && pick.seats.every((seat) => statusOf(seat) !== 'b');
    const sights = seen.conflicts(show.id, id, pick.seats, nowMs, isAsked);
    return seatsSeenTaken(pick.seats, sights, statusOf);
  }

  /** The workflow's start decides which request a key belongs to; the row follows it. */
  async #open(booking: NewBooking, isHeld: boolean): Promise<Answer> {
    const { admission, workflows, batches, settings } = this.#deps;
    const started = await admission.start(booking.showId, () =>
      workflows.startBooking({ booking, terms: settings.terms }),
    );
    if (started === 'other_booking') {
      if (isHeld) await this.#giveBack(booking);
      throw keyReused();
    }
    if (started === ENDED) return this.#afterItsEnd(booking, isHeld);
    if (await batches.insertHeldBooking(booking)) return created(booking);
    const row = await batches.findBooking(booking.id);
    return repeated(row ?? booking, booking.fingerprint);
  }

  /** The booking was made, ended and forgotten by the show: seats granted anew would have no booking. */
  async #afterItsEnd(booking: NewBooking, isHeld: boolean): Promise<Answer> {
    if (isHeld) await this.#giveBack(booking);
    const row = await this.#lookForRow(booking.id);
    if (!row) throw new OutcomeUnknownError(`booking ${booking.id} has ended but has no row yet`);
    return repeated(row, booking.fingerprint);
  }

  /** Undoes a grant that belongs to no booking. If it fails, the show's own timer does it. */
  async #giveBack({ id, showId }: NewBooking): Promise<void> {
    try {
      await this.#deps.workflows.seatCommand(showId, { kind: 'release', bookingId: id });
    } catch (error) {
      this.#deps.logger.warn({ err: error, bookingId: id, showId }, 'a hold without a booking waits for its expiry');
    }
  }

  async #lookForRow(id: string): Promise<Booking | null> {
    for (let looks = 1; ; looks++) {
      const row = await this.#deps.batches.findBooking(id);
      if (row || looks >= ROW_LOOKS) return row;
      await delay(ROW_LOOK_EVERY_MS);
    }
  }
}

function seatsSeenTaken(
  wanted: readonly number[],
  sights: readonly SeatConflict[],
  statusOf: (seat: number) => string,
) {
  if (sights.length === 0 && !wanted.some((seat) => statusOf(seat) === 'b')) return null;
  const seen = new Map<number, TakenSeatStatus>(sights);
  for (const seat of wanted) {
    const status = statusOf(seat);
    // A sight may be of before the payment.
    if (status === 'b' || (status !== 'a' && !seen.has(seat))) seen.set(seat, status as TakenSeatStatus);
  }
  const conflicts = wanted.flatMap((seat) => (seen.has(seat) ? [[seat, seen.get(seat)!] as const] : []));
  return { ok: false, refusal: 'SEAT_UNAVAILABLE', conflicts } as const;
}

/** No seat is left, nor held, which may come free or be the buyer's own. */
const seenSoldOut = (statuses: string | undefined) =>
  statuses !== undefined && !/[ah]/.test(statuses) ? ({ ok: false, refusal: 'SOLD_OUT' } as const) : null;

function newBooking(
  id: string,
  userId: string,
  fingerprint: string,
  show: Show,
  plan: PlanForSale,
  hold: Hold,
): NewBooking {
  const { heldAtMs, expiresAtMs } = hold;
  if (heldAtMs === null || expiresAtMs === null) throw new Error(`booking ${id} was granted without a time`);
  return {
    id,
    showId: show.id,
    userId,
    cityId: show.cityId,
    ...priced(hold.seats, plan, show.categories),
    fingerprint,
    heldAtMs,
    expiresAtMs,
    ...(show.cancellationPolicy && { cancellationPolicy: show.cancellationPolicy }),
  };
}

const created = (booking: NewBooking): Answer => ({
  status: 201,
  headers: { Location: bookingPath(booking.id) },
  body: bookingAsCreated(booking),
});

/** @throws ApiError IDEMPOTENCY_KEY_REUSED */
function repeated(booking: Booking | NewBooking, fingerprint: string): Answer {
  if (booking.fingerprint !== fingerprint) throw keyReused();
  return replayed(created(booking));
}
