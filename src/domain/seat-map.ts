import { type Claim, isLive } from './claim.ts';
import { type EndedHold, EndedHolds, type HoldEnd } from './ended-holds.ts';
import { ExpiryQueue } from './expiry-queue.ts';
import {
  AVAILABLE,
  BLOCKED,
  BOOKED,
  HELD,
  Occupancy,
  type StatusCode,
  type StatusCounts,
  statusOfCode,
} from './occupancy.ts';
import { refusedOrphans } from './orphan-rule.ts';
import type {
  SaleRules,
  SaleTimes,
  SeatCommand,
  SeatCommandResult,
  SeatConflict,
  SeatPick,
  SeatRefusal,
  SeatsGranted,
  SeatStatus,
  TakenSeatStatus,
} from './seat-commands.ts';
import { type SeatGeometry, seatGeometry } from './seat-geometry.ts';
import type { SeatLayout } from './seat-layout.ts';
import {
  packBlocks,
  packClaims,
  packTombstones,
  type SeatMapSnapshot,
  unpackClaims,
  unpackTombstones,
} from './seat-map-snapshot.ts';
import { pickBestAvailable } from './seat-picking.ts';

export type { SeatMapSnapshot };

/** Longest reason of a block that is kept, in UTF-16 units: reasons travel with every snapshot. */
export const BLOCK_REASON_LENGTH_MAX = 200;

type CommandOf<Kind extends SeatCommand['kind']> = Extract<SeatCommand, { kind: Kind }>;

/** What a command is answered, and what it changes; without a change nothing is to be done. */
interface Decision {
  readonly answer: SeatCommandResult;
  readonly change?: () => void;
  /** What is to be remembered of it, changed or not, and shows in no version. */
  readonly note?: () => void;
}

export interface SeatHolder {
  readonly bookingId: string;
  /** Infinity once the seat is booked. */
  readonly untilMs: number;
}

/** Holds past their time that are not ended yet, and the house with their seats free. */
interface Overdue {
  readonly nowMs: number;
  readonly claims: readonly Claim[];
  readonly occupancy: Occupancy;
}

/**
 * Who has which seat of one show, and the rules by which seats change hands.
 *
 * Deciding and changing are apart: a command is decided by looking only, and what it changes, if it is granted and
 * changes anything, is done in one piece afterwards. So `preview` answers exactly as `apply` would.
 *
 * A hold at or past its time is free for everybody at once; it keeps its seats' status until the next change or
 * `expireHolds`, which end it first. Times are Unix ms and never go backwards. Nothing here throws on a command.
 */
export class SeatMap {
  readonly #geometry: SeatGeometry;
  #rules: SaleRules;
  readonly #occupancy: Occupancy;
  readonly #claims = new Map<string, Claim>();
  readonly #expiries = new ExpiryQueue<Claim>();
  readonly #ended = new EndedHolds();
  readonly #blockReasons = new Map<number, string>();
  /** By seat, of those that are held or booked. */
  readonly #claimOf: (Claim | undefined)[] = [];
  /** Seats held and booked by buyer; kept only where there is a cap. */
  readonly #seatsOfBuyer = new Map<string, number>();
  readonly #changedAtVersion: Uint32Array;
  /** Changes up to this version are not remembered seat by seat. */
  readonly #rememberedAfter: number;
  #version: number;
  #changedAtMs: number;
  /** As last asked for; every change ends it. */
  #overdue: Overdue | null = null;

  private constructor(layout: SeatLayout, rules: SaleRules, version: number, changedAtMs: number) {
    this.#geometry = seatGeometry(layout);
    this.#rules = rules;
    this.#occupancy = Occupancy.empty(this.#geometry);
    this.#changedAtVersion = new Uint32Array(layout.seatCount);
    this.#rememberedAfter = version;
    this.#version = version;
    this.#changedAtMs = changedAtMs;
  }

  /**
   * All seats available, version 0.
   * @throws RangeError when the layout's parts do not fit together.
   */
  static create(layout: SeatLayout, rules: SaleRules): SeatMap {
    return new SeatMap(layout, rules, 0, 0);
  }

  /** @throws RangeError when the snapshot is not one of this layout. */
  static restore(layout: SeatLayout, rules: SaleRules, snapshot: SeatMapSnapshot): SeatMap {
    if (snapshot.statuses.length !== layout.seatCount) throw new RangeError('the snapshot is of another layout');
    const map = new SeatMap(layout, rules, snapshot.version, snapshot.changedAtMs);
    for (const ended of unpackTombstones(snapshot.tombstones)) map.#ended.add(ended);
    for (const claim of unpackClaims(snapshot.claims, snapshot.statuses)) map.#take(claim);
    for (const [reason, seats] of snapshot.blocks) map.#block(seats, reason);
    return map;
  }

  /** All that must outlive this object. Tombstones past their time at `nowMs` are left behind. */
  snapshot(nowMs: number): SeatMapSnapshot {
    return {
      version: this.#version,
      changedAtMs: this.#changedAtMs,
      statuses: this.statuses,
      claims: packClaims([...this.#claims.values()]),
      tombstones: packTombstones(this.#ended.list(nowMs)),
      blocks: packBlocks(this.#blockReasons),
    };
  }

  /** Counts the granted commands that changed something, and the sweeps of `expireHolds` that did. */
  get version(): number {
    return this.#version;
  }

  /** Time of the newest change; 0 before the first. */
  get changedAtMs(): number {
    return this.#changedAtMs;
  }

  /** One character a seat in index order, as of `version`. */
  get statuses(): string {
    return this.#occupancy.toString();
  }

  /** As of `version`. */
  get counts(): StatusCounts {
    return this.#occupancy.counts;
  }

  /** Bookings that have seats, held or booked, in the order of their ids. */
  get bookingIds(): readonly string[] {
    return [...this.#claims.keys()].sort();
  }

  /** From now on seats are sold by these times. Nobody loses a seat by it. */
  sellBy(times: SaleTimes): void {
    const { seatsPerBookingMax, seatsPerBuyerMax } = this.#rules;
    this.#rules = { ...times, seatsPerBookingMax, seatsPerBuyerMax };
  }

  /** Earliest expiry of a hold; it may be past already. Null when nothing is held. */
  nextExpiryMs(): number | null {
    return this.#expiries.first()?.expiresAtMs ?? null;
  }

  /**
   * Seats that changed after this version, ascending, with their status now (some may be back at what they were).
   * Null: not remembered seat by seat, from before `restore`; send all `statuses`.
   */
  changesSince(version: number): readonly (readonly [seat: number, status: SeatStatus])[] | null {
    if (version < this.#rememberedAfter) return null;
    const changes: [number, SeatStatus][] = [];
    this.#changedAtVersion.forEach((changedAt, seat) => {
      if (changedAt > version) changes.push([seat, this.#occupancy.status(seat)]);
    });
    return changes;
  }

  /** Who has a seat, and until when, Unix ms; null where it is nobody's or staff's. */
  holderOf(seat: number): SeatHolder | null {
    const claim = this.#claimOf[seat];
    return claim ? { bookingId: claim.bookingId, untilMs: claim.booked ? Infinity : claim.expiresAtMs } : null;
  }

  /** Decides the command, and does what it changes. A refused command changes nothing at all. */
  apply(command: SeatCommand, nowMs: number): SeatCommandResult {
    const { answer, change, note } = this.#decide(command, nowMs);
    if (change !== undefined) this.#commit(nowMs, change);
    note?.();
    return answer;
  }

  /** The answers `apply` would give if no command changes or notes anything; null, at the first one that would. */
  preview(commands: readonly SeatCommand[], nowMs: number): SeatCommandResult[] | null {
    const answers: SeatCommandResult[] = [];
    for (const command of commands) {
      const { answer, change, note } = this.#decide(command, nowMs);
      if (change !== undefined || note !== undefined) return null;
      answers.push(answer);
    }
    return answers;
  }

  /** Ends every hold at or past its time, leaving tombstones. Returns how many it ended. */
  expireHolds(nowMs: number): number {
    const overdue = this.#overdueAt(nowMs)?.claims ?? [];
    if (overdue.length > 0) this.#commit(nowMs, () => undefined);
    return overdue.length;
  }

  #decide(command: SeatCommand, nowMs: number): Decision {
    switch (command.kind) {
      case 'hold':
        return this.#decideHold(command, nowMs);
      case 'swap':
        return this.#inOrder(command, this.#decideSwap(command, nowMs));
      case 'extend':
        return this.#inOrder(command, this.#decideExtend(command, nowMs));
      case 'release':
        return this.#decideRelease(command, nowMs);
      case 'confirm':
        return this.#decideConfirm(command, nowMs);
      case 'exchange':
        return this.#decideExchange(command, nowMs);
      case 'return':
        return this.#decideReturn(command, nowMs);
      case 'block':
        return this.#decideBlock(command, nowMs);
      case 'unblock':
        return this.#decideUnblock(command);
    }
  }

  /**
   * A hold is changed in the order in which its booking has asked for it: what comes after a later one changes nothing.
   * What was refused comes too late from then on: a copy of it may not be granted once nobody waits for it any more.
   */
  #inOrder({ bookingId, askedAtMs = 0 }: CommandOf<'swap' | 'extend'>, decided: Decision): Decision {
    const claim = this.#claims.get(bookingId);
    if (claim === undefined || claim.booked || askedAtMs === 0) return decided;
    if (askedAtMs === claim.askedAtMs) return decided;
    if (askedAtMs < claim.askedAtMs) return { answer: { ok: false, refusal: 'SUPERSEDED', byMs: claim.askedAtMs } };
    const noted = decided.answer.ok ? askedAtMs : askedAtMs + 1;
    return { ...decided, note: () => (claim.askedAtMs = noted) };
  }

  /** Ending the holds past their time belongs to every change: what was decided counted their seats as free. */
  #commit(nowMs: number, change: () => void): void {
    const overdue = this.#overdueAt(nowMs)?.claims ?? [];
    this.#overdue = null;
    this.#version += 1;
    this.#changedAtMs = nowMs;
    for (const claim of overdue) this.#end(claim, 'expired', nowMs);
    change();
  }

  /** A hold that would be past its time at once is refused as HOLD_EXPIRED. */
  #decideHold(command: CommandOf<'hold'>, nowMs: number): Decision {
    const { bookingId, buyerId, fingerprint, pick } = command;
    const malformed = this.#malformedPick(pick);
    if (malformed !== null) return { answer: malformed };
    const known = this.#claims.get(bookingId) ?? this.#ended.find(bookingId, nowMs);
    if (known !== undefined) return { answer: repeatedHold(known, fingerprint, nowMs) };
    const expiresAtMs = nowMs + command.ttlMs;
    if (!isToCome(expiresAtMs, nowMs)) return refused('HOLD_EXPIRED');
    if (!this.#isOnSale(nowMs)) return refused('SALES_CLOSED');

    const occupancy = this.#occupancyAt(nowMs);
    const seats = 'seats' in pick ? ascending(pick.seats) : this.#pickBest(pick, occupancy);
    if (typeof seats === 'string') return refused(seats);
    const total = this.#seatsOf(buyerId, nowMs) - this.#givenUp(command) + seats.length;
    const refusal = this.#refusalToTake(seats, occupancy, total);
    if (refusal !== null) return { answer: refusal };
    return {
      answer: { ok: true, seats, expiresAtMs, heldAtMs: nowMs },
      change: () =>
        this.#takeAnew({
          bookingId,
          buyerId,
          fingerprint,
          seats,
          heldAtMs: nowMs,
          expiresAtMs,
          booked: false,
          askedAtMs: 0,
        }),
    };
  }

  #decideSwap({ bookingId, seats: asked }: CommandOf<'swap'>, nowMs: number): Decision {
    const malformed = this.#malformedSeats(asked, this.#rules.seatsPerBookingMax);
    if (malformed !== null) return { answer: malformed };
    const claim = this.#claims.get(bookingId);
    if (claim === undefined || !isLive(claim, nowMs)) return this.#notHeld(bookingId, nowMs);
    const seats = ascending(asked);
    const answer = grantedHold({ ...claim, seats });
    if (isSame(seats, claim.seats)) return { answer };
    if (!this.#isOnSale(nowMs)) return refused('SALES_CLOSED');

    const occupancy = this.#occupancyAt(nowMs).freeing(claim.seats);
    const total = this.#seatsOf(claim.buyerId, nowMs) - claim.seats.length + seats.length;
    const refusal = this.#refusalToTake(seats, occupancy, total);
    if (refusal !== null) return { answer: refusal };
    return { answer, change: () => this.#changeSeats(claim, seats, HELD) };
  }

  /** A time that is not to come is refused as HOLD_EXPIRED and leaves the hold as it is: ending it is `release`. */
  #decideExtend({ bookingId, expiresAtMs }: CommandOf<'extend'>, nowMs: number): Decision {
    const claim = this.#claims.get(bookingId);
    if (claim === undefined || !isLive(claim, nowMs)) return this.#notHeld(bookingId, nowMs);
    if (!isToCome(expiresAtMs, nowMs)) return refused('HOLD_EXPIRED');
    if (this.#isClosed && expiresAtMs > claim.expiresAtMs) return refused('SALES_CLOSED');
    const answer = grantedHold({ ...claim, expiresAtMs });
    if (expiresAtMs === claim.expiresAtMs) return { answer };
    return {
      answer,
      change: () => {
        claim.expiresAtMs = expiresAtMs;
        this.#expiries.moved(claim);
      },
    };
  }

  #decideRelease({ bookingId }: CommandOf<'release'>, nowMs: number): Decision {
    const claim = this.#claims.get(bookingId);
    if (claim === undefined) return { answer: grantedOnly(this.#ended.find(bookingId, nowMs)?.seats ?? []) };
    if (claim.booked) return refused('ALREADY_BOOKED');
    const answer = grantedOnly(claim.seats);
    // Past its time it ends as an expired one, like all that are due, by the mere fact of a change.
    if (!isLive(claim, nowMs)) return { answer, change: () => undefined };
    return { answer, change: () => this.#end(claim, 'released', nowMs) };
  }

  #decideConfirm(command: CommandOf<'confirm'>, nowMs: number): Decision {
    const malformed = this.#malformedSeats(command.seats, this.#rules.seatsPerBookingMax);
    if (malformed !== null) return { answer: malformed };
    const seats = ascending(command.seats);
    const answer = grantedOnly(seats);
    const claim = this.#claims.get(command.bookingId);
    const isSameSeats = claim !== undefined && isSame(claim.seats, seats);
    if (claim?.booked) return isSameSeats ? { answer } : refused('NO_SUCH_HOLD');
    if (this.#isClosed) return refused('SALES_CLOSED');
    if (isSameSeats && isLive(claim, nowMs)) return { answer, change: () => this.#book(claim, seats) };
    if (!command.reclaim) return this.#notHeld(command.bookingId, nowMs);
    return this.#decideReclaim(command, seats, nowMs);
  }

  /**
   * Takes the seats for a payment that came late, whatever became of the hold and at whatever time sales end. But seats that
   * were booked and returned stay returned: else a late repeat of the confirm would undo a cancellation.
   */
  #decideReclaim(command: CommandOf<'confirm'>, seats: readonly number[], nowMs: number): Decision {
    const { bookingId } = command;
    const before = this.#claims.get(bookingId) ?? this.#ended.find(bookingId, nowMs);
    if (before !== undefined && 'end' in before && before.end === 'returned') return refused('NO_SUCH_HOLD');
    const live = this.#claims.get(bookingId);
    const occupancy = this.#occupancyAt(nowMs).freeing(live !== undefined && isLive(live, nowMs) ? live.seats : []);
    const conflicts = conflictsOf(seats, occupancy);
    if (conflicts.length > 0) return { answer: { ok: false, refusal: 'SEAT_UNAVAILABLE', conflicts } };
    return {
      answer: grantedOnly(seats),
      change: () => {
        const held = this.#claims.get(bookingId);
        if (held !== undefined) return this.#book(held, seats);
        this.#takeAnew({
          bookingId,
          buyerId: command.buyerId,
          fingerprint: null,
          seats,
          heldAtMs: before?.heldAtMs ?? nowMs,
          expiresAtMs: before?.expiresAtMs ?? nowMs,
          booked: true,
          askedAtMs: 0,
        });
      },
    };
  }

  /**
   * Seats of the show that are new to the booking are its hold's, or free: a hold that has lapsed costs nothing where nobody
   * came. Repeated, also after some were returned: what it has by now.
   */
  #decideExchange(command: CommandOf<'exchange'>, nowMs: number): Decision {
    const malformed = this.#malformedSeats(command.seats, this.#rules.seatsPerBookingMax);
    if (malformed !== null) return { answer: malformed };
    const { fromBookingId, bookingId, buyerId, back = false } = command;
    const known = this.#claims.get(bookingId);
    if (known?.booked) {
      const hasAll = command.seats.every((seat) => known.seats.includes(seat));
      return hasAll ? { answer: grantedOnly(known.seats) } : refused('NO_SUCH_HOLD');
    }
    if (!back && this.#ended.find(bookingId, nowMs)?.end === 'returned') return refused('NO_SUCH_HOLD');
    if (!back && this.#isClosed) return refused('SALES_CLOSED');
    const from = this.#claims.get(fromBookingId);
    if (!from?.booked) return refused('NO_SUCH_HOLD');

    const held = known !== undefined && isLive(known, nowMs) ? known.seats : [];
    const conflicts = conflictsOf(ascending(command.seats), this.#occupancyAt(nowMs).freeing([...from.seats, ...held]));
    if (conflicts.length > 0) return { answer: { ok: false, refusal: 'SEAT_UNAVAILABLE', conflicts } };
    const seats = ascending([...new Set([...from.seats, ...command.seats])]);
    return { answer: grantedOnly(seats), change: () => this.#exchange(from, { bookingId, buyerId, seats }, nowMs) };
  }

  #exchange(from: Claim, { bookingId, buyerId, seats }: Pick<Claim, 'bookingId' | 'buyerId' | 'seats'>, nowMs: number) {
    this.#end(from, 'returned', nowMs);
    const held = this.#claims.get(bookingId);
    if (held !== undefined) return this.#book(held, seats);
    const times = { heldAtMs: from.heldAtMs, expiresAtMs: from.expiresAtMs };
    this.#takeAnew({ bookingId, buyerId, seats, ...times, fingerprint: null, booked: true, askedAtMs: 0 });
  }

  /**
   * What is not booked any more is given up for good: a confirm that comes late, from a worker that stood still while
   * another one gave the money back, takes nothing.
   */
  #decideReturnOfEnded(bookingId: string, named: readonly number[] | undefined, nowMs: number): Decision {
    const ended = this.#ended.find(bookingId, nowMs);
    const answer = grantedOnly(named ? ascending(named) : (ended?.seats ?? []));
    if (named !== undefined || ended === undefined || ended.end === 'returned') return { answer };
    return {
      answer,
      change: () => {
        this.#ended.delete(bookingId);
        this.#ended.add({ ...ended, end: 'returned', endedAtMs: nowMs });
      },
    };
  }

  #decideReturn({ bookingId, seats: named }: CommandOf<'return'>, nowMs: number): Decision {
    const malformed = named === undefined ? null : this.#malformedSeats(named, Infinity);
    if (malformed !== null) return { answer: malformed };
    const claim = this.#claims.get(bookingId);
    if (!claim?.booked) return this.#decideReturnOfEnded(bookingId, named, nowMs);
    const answer = grantedOnly(named ? ascending(named) : claim.seats);
    const kept = named ? claim.seats.filter((seat) => !named.includes(seat)) : [];
    if (kept.length === claim.seats.length) return { answer };
    if (kept.length > 0) return { answer, change: () => this.#changeSeats(claim, kept, BOOKED) };
    return { answer, change: () => this.#end(claim, 'returned', nowMs) };
  }

  #decideBlock({ seats: asked, reason }: CommandOf<'block'>, nowMs: number): Decision {
    const malformed = this.#malformedSeats(asked, Infinity);
    if (malformed !== null) return { answer: malformed };
    const seats = ascending(asked);
    const occupancy = this.#occupancyAt(nowMs);
    const conflicts = conflictsOf(seats, occupancy).filter(([, status]) => status !== 'x');
    if (conflicts.length > 0) return { answer: { ok: false, refusal: 'SEAT_UNAVAILABLE', conflicts } };
    const fresh = seats.filter((seat) => occupancy.codes[seat] === AVAILABLE);
    const answer = grantedOnly(seats);
    return fresh.length === 0 ? { answer } : { answer, change: () => this.#block(fresh, reason) };
  }

  #decideUnblock({ seats: asked }: CommandOf<'unblock'>): Decision {
    const malformed = this.#malformedSeats(asked, Infinity);
    if (malformed !== null) return { answer: malformed };
    const seats = ascending(asked);
    const blocked = seats.filter((seat) => this.#blockReasons.has(seat));
    const answer = grantedOnly(seats);
    return blocked.length === 0 ? { answer } : { answer, change: () => this.#unblock(blocked) };
  }

  #malformedPick(pick: SeatPick): SeatRefusal | null {
    const max = this.#rules.seatsPerBookingMax;
    if ('seats' in pick) return this.#malformedSeats(pick.seats, max);
    const { count, category } = pick.bestAvailable;
    if (!Number.isInteger(count) || count < 1) return { ok: false, refusal: 'NO_SEATS' };
    if (count > max) return { ok: false, refusal: 'TOO_MANY_SEATS', limit: max };
    if (category !== undefined && !this.#geometry.stretchesOfCategory.has(category)) {
      return { ok: false, refusal: 'UNKNOWN_CATEGORY' };
    }
    return null;
  }

  #malformedSeats(seats: readonly number[], max: number): SeatRefusal | null {
    if (seats.length === 0) return { ok: false, refusal: 'NO_SEATS' };
    if (seats.length > max) return { ok: false, refusal: 'TOO_MANY_SEATS', limit: max };
    const unknown = seats.filter((seat) => !Number.isInteger(seat) || seat < 0 || seat >= this.#geometry.seatCount);
    if (unknown.length > 0) return { ok: false, refusal: 'UNKNOWN_SEAT', seats: [...new Set(unknown)] };
    if (new Set(seats).size === seats.length) return null;
    const repeated = ascending(seats).filter((seat, index, all) => seat === all[index - 1]);
    return { ok: false, refusal: 'DUPLICATE_SEAT', seats: [...new Set(repeated)] };
  }

  #pickBest(pick: Extract<SeatPick, { bestAvailable: unknown }>, occupancy: Occupancy) {
    return pickBestAvailable(this.#geometry, occupancy, pick.bestAvailable);
  }

  /** @param buyerTotal seats the buyer would have in the show with these. */
  #refusalToTake(seats: readonly number[], occupancy: Occupancy, buyerTotal: number): SeatRefusal | null {
    const conflicts = conflictsOf(seats, occupancy);
    if (conflicts.length > 0) return { ok: false, refusal: 'SEAT_UNAVAILABLE', conflicts };
    const limit = this.#rules.seatsPerBuyerMax;
    if (this.#hasBuyerCap && buyerTotal > limit) return { ok: false, refusal: 'TOO_MANY_SEATS', limit };
    const orphans = refusedOrphans(this.#geometry, occupancy.codes, seats);
    return orphans.length > 0 ? { ok: false, refusal: 'ORPHAN_SEAT', seats: orphans } : null;
  }

  /** Why a command that needs a live hold is refused. */
  #notHeld(bookingId: string, nowMs: number): Decision {
    const claim = this.#claims.get(bookingId);
    if (claim?.booked) return refused('ALREADY_BOOKED');
    if (claim !== undefined) return refused(isLive(claim, nowMs) ? 'NO_SUCH_HOLD' : 'HOLD_EXPIRED');
    return refused(this.#ended.find(bookingId, nowMs)?.end === 'expired' ? 'HOLD_EXPIRED' : 'NO_SUCH_HOLD');
  }

  /** As everybody may see it at this time: holds past theirs are free. */
  #occupancyAt(nowMs: number): Occupancy {
    return this.#overdueAt(nowMs)?.occupancy ?? this.#occupancy;
  }

  /** Kept from command to command: after an outage thousands may be overdue, and a batch asks for each command. */
  #overdueAt(nowMs: number): Overdue | null {
    if ((this.nextExpiryMs() ?? Infinity) > nowMs) return null;
    if (this.#overdue?.nowMs === nowMs) return this.#overdue;
    const claims = this.#expiries.due(nowMs);
    const occupancy = this.#occupancy.freeing(claims.flatMap((claim) => claim.seats));
    return (this.#overdue = { nowMs, claims, occupancy });
  }

  /** Seats the buyer holds or has booked; holds past their time don't count. */
  #seatsOf(buyerId: string | null, nowMs: number): number {
    if (!this.#hasBuyerCap || buyerId === null) return 0;
    const overdue = this.#overdueAt(nowMs)?.claims.filter((claim) => claim.buyerId === buyerId) ?? [];
    return overdue.reduce((sum, claim) => sum - claim.seats.length, this.#seatsOfBuyer.get(buyerId) ?? 0);
  }

  /** Of the seats that the buyer has, those that a hold is to replace. */
  #givenUp({ buyerId, insteadOf }: CommandOf<'hold'>): number {
    const claim = insteadOf && this.#claims.get(insteadOf.bookingId);
    if (!claim?.booked || claim.buyerId !== buyerId) return 0;
    return claim.seats.filter((seat) => insteadOf!.seats.includes(seat)).length;
  }

  get #hasBuyerCap(): boolean {
    return this.#rules.seatsPerBuyerMax > 0;
  }

  #isOnSale(nowMs: number): boolean {
    return !this.#isClosed && nowMs >= this.#rules.salesOpenAtMs && nowMs < this.#rules.salesCloseAtMs;
  }

  get #isClosed(): boolean {
    return this.#rules.closed !== undefined;
  }

  #takeAnew(claim: Omit<Claim, 'queueIndex'>): void {
    this.#take({ ...claim, buyerId: this.#hasBuyerCap ? claim.buyerId : null, queueIndex: -1 });
  }

  #take(claim: Claim): void {
    this.#claims.set(claim.bookingId, claim);
    this.#ended.delete(claim.bookingId);
    this.#setAll(claim.seats, claim.booked ? BOOKED : HELD, claim);
    this.#countForBuyer(claim.buyerId, claim.seats.length);
    if (!claim.booked) this.#expiries.add(claim);
  }

  #end(claim: Claim, end: HoldEnd, nowMs: number): void {
    const { bookingId, fingerprint, seats, heldAtMs, expiresAtMs } = claim;
    this.#claims.delete(bookingId);
    this.#setAll(seats, AVAILABLE);
    this.#countForBuyer(claim.buyerId, -seats.length);
    if (!claim.booked) this.#expiries.remove(claim);
    this.#ended.add({ bookingId, fingerprint, seats, heldAtMs, expiresAtMs, end, endedAtMs: nowMs });
  }

  #book(claim: Claim, seats: readonly number[]): void {
    this.#expiries.remove(claim);
    claim.booked = true;
    claim.fingerprint = null;
    this.#changeSeats(claim, seats, BOOKED);
  }

  #changeSeats(claim: Claim, seats: readonly number[], code: StatusCode): void {
    this.#setAll(
      claim.seats.filter((seat) => !seats.includes(seat)),
      AVAILABLE,
    );
    this.#setAll(seats, code, claim);
    this.#countForBuyer(claim.buyerId, seats.length - claim.seats.length);
    claim.seats = seats;
  }

  #block(seats: readonly number[], reason: string): void {
    this.#setAll(seats, BLOCKED);
    for (const seat of seats) this.#blockReasons.set(seat, reason.slice(0, BLOCK_REASON_LENGTH_MAX));
  }

  #unblock(seats: readonly number[]): void {
    this.#setAll(seats, AVAILABLE);
    for (const seat of seats) this.#blockReasons.delete(seat);
  }

  #setAll(seats: readonly number[], code: StatusCode, claim?: Claim): void {
    for (const seat of seats) {
      this.#claimOf[seat] = claim;
      if (this.#occupancy.codes[seat] === code) continue;
      this.#occupancy.set(seat, code);
      this.#changedAtVersion[seat] = this.#version;
    }
  }

  #countForBuyer(buyerId: string | null, change: number): void {
    if (buyerId === null) return;
    const count = (this.#seatsOfBuyer.get(buyerId) ?? 0) + change;
    if (count === 0) this.#seatsOfBuyer.delete(buyerId);
    else this.#seatsOfBuyer.set(buyerId, count);
  }
}

/** A hold asked for again. Past its time, released, expired or returned, it is not granted anew. */
function repeatedHold(known: Claim | EndedHold, fingerprint: string, nowMs: number): SeatCommandResult {
  const claim = 'booked' in known ? known : null;
  if (claim?.booked) return { ok: false, refusal: 'ALREADY_BOOKED' };
  if (known.fingerprint !== null && known.fingerprint !== fingerprint) {
    return { ok: false, refusal: 'FINGERPRINT_MISMATCH' };
  }
  if (claim !== null && isLive(claim, nowMs)) return grantedHold(claim);
  const { seats, expiresAtMs, heldAtMs } = known;
  return { ok: false, refusal: 'HOLD_ENDED', seats, expiresAtMs, heldAtMs };
}

function refused(
  refusal: 'SALES_CLOSED' | 'HOLD_EXPIRED' | 'NO_SUCH_HOLD' | 'ALREADY_BOOKED' | 'SOLD_OUT' | 'NO_ADJACENT_SEATS',
): Decision {
  return { answer: { ok: false, refusal } };
}

function grantedHold({
  seats,
  expiresAtMs,
  heldAtMs,
}: Pick<Claim, 'seats' | 'expiresAtMs' | 'heldAtMs'>): SeatsGranted {
  return { ok: true, seats, expiresAtMs, heldAtMs };
}

/** Granted, and no hold is left. */
function grantedOnly(seats: readonly number[]): SeatsGranted {
  return { ok: true, seats, expiresAtMs: null, heldAtMs: null };
}

function conflictsOf(seats: readonly number[], occupancy: Occupancy): SeatConflict[] {
  return seats
    .filter((seat) => occupancy.codes[seat] !== AVAILABLE)
    .map((seat) => [seat, statusOfCode[occupancy.codes[seat]!] as TakenSeatStatus]);
}

function ascending(seats: readonly number[]): number[] {
  return seats.toSorted((a, b) => a - b);
}

function isSame(some: readonly number[], others: readonly number[]): boolean {
  return some.length === others.length && some.every((seat, index) => seat === others[index]);
}

function isToCome(timeMs: number, nowMs: number): boolean {
  return Number.isFinite(timeMs) && timeMs > nowMs;
}
