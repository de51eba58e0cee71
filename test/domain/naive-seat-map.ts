import { TOMBSTONE_TTL_MS } from '../../src/domain/ended-holds.ts';
import type {
  SaleRules,
  SeatCommand,
  SeatCommandResult,
  SeatPick,
  SeatRefusalCode,
  SeatStatus,
  TakenSeatStatus,
} from '../../src/domain/seat-commands.ts';
import type { SeatLayout } from '../../src/domain/seat-layout.ts';
import { type House, houseOf, naiveBestAvailable, naiveRefusedOrphans } from './naive-rules.ts';

interface Ticket {
  readonly id: string;
  readonly buyer: string;
  readonly fingerprint: string | null;
  readonly seats: number[];
  readonly heldAt: number;
  readonly expiresAt: number;
  readonly state: 'held' | 'booked' | 'expired' | 'released' | 'returned';
  /** When its end was noticed, for the ended ones. */
  readonly endedAt: number;
}

type Of<Kind extends SeatCommand['kind']> = Extract<SeatCommand, { kind: Kind }>;

const no = (refusal: SeatRefusalCode, more: object = {}) => ({ ok: false, refusal, ...more }) as SeatCommandResult;
const done = (seats: readonly number[]): SeatCommandResult => ({
  ok: true,
  seats: sorted(seats),
  expiresAtMs: null,
  heldAtMs: null,
});
const asHeld = (ticket: Ticket): SeatCommandResult => ({
  ok: true,
  seats: sorted(ticket.seats),
  expiresAtMs: ticket.expiresAt,
  heldAtMs: ticket.heldAt,
});
const sorted = (seats: readonly number[]) => [...seats].sort((a, b) => a - b);
const isEqual = (some: readonly number[], others: readonly number[]) =>
  JSON.stringify(sorted(some)) === JSON.stringify(sorted(others));

/** A seat map that takes no trouble to be fast: a list of tickets, a list of blocked seats, and every rule spelt out. */
export class NaiveSeatMap {
  tickets: Ticket[] = [];
  blocked = new Map<number, string>();
  version = 0;
  readonly house: House;
  readonly layout: SeatLayout;
  readonly rules: SaleRules;

  constructor(layout: SeatLayout, rules: SaleRules) {
    this.layout = layout;
    this.rules = rules;
    this.house = houseOf(layout);
  }

  ticket(id: string): Ticket | undefined {
    return this.tickets.find((ticket) => ticket.id === id);
  }

  /** What everybody sees when told the last change, or with `now` at this time. */
  status(seat: number, now?: number): SeatStatus {
    if (this.blocked.has(seat)) return 'x';
    const owner = this.tickets.find(
      ({ state, seats, expiresAt }) =>
        seats.includes(seat) && (state === 'booked' || (state === 'held' && (now === undefined || expiresAt > now))),
    );
    return owner === undefined ? 'a' : owner.state === 'booked' ? 'b' : 'h';
  }

  statuses(): string {
    return Array.from({ length: this.layout.seatCount }, (_, seat) => this.status(seat)).join('');
  }

  expire(now: number): number {
    const over = this.tickets.filter((ticket) => ticket.state === 'held' && ticket.expiresAt <= now);
    if (over.length > 0) this.change(now, () => undefined);
    return over.length;
  }

  apply(command: SeatCommand, now: number): SeatCommandResult {
    switch (command.kind) {
      case 'hold':
        return this.hold(command, now);
      case 'swap':
        return this.swap(command, now);
      case 'extend':
        return this.extend(command, now);
      case 'release':
        return this.release(command, now);
      case 'confirm':
        return this.confirm(command, now);
      case 'exchange':
        return this.exchange(command, now);
      case 'return':
        return this.giveBack(command, now);
      case 'block':
        return this.block(command, now);
      case 'unblock':
        return this.unblock(command, now);
    }
  }

  private change(now: number, change: () => void): void {
    this.version += 1;
    this.tickets = this.tickets.map((ticket) =>
      ticket.state === 'held' && ticket.expiresAt <= now ? { ...ticket, state: 'expired', endedAt: now } : ticket,
    );
    change();
  }

  private put(ticket: Ticket): void {
    this.tickets = [...this.tickets.filter(({ id }) => id !== ticket.id), ticket];
  }

  /** The ticket, unless it ended so long ago that it is forgotten. */
  private known(id: string, now: number): Ticket | undefined {
    const ticket = this.ticket(id);
    const isOver = ticket !== undefined && ticket.state !== 'held' && ticket.state !== 'booked';
    return isOver && now >= ticket.endedAt + TOMBSTONE_TTL_MS ? undefined : ticket;
  }

  private malformed(seats: readonly number[], max: number): SeatCommandResult | null {
    if (seats.length === 0) return no('NO_SEATS');
    if (seats.length > max) return no('TOO_MANY_SEATS', { limit: max });
    const unknown = seats.filter((seat) => !(seat in this.house.categoryOf));
    if (unknown.length > 0) return no('UNKNOWN_SEAT', { seats: [...new Set(unknown)] });
    const twice = seats.filter((seat, place) => seats.indexOf(seat) !== place);
    return twice.length > 0 ? no('DUPLICATE_SEAT', { seats: sorted([...new Set(twice)]) }) : null;
  }

  private malformedPick(pick: SeatPick): SeatCommandResult | null {
    if ('seats' in pick) return this.malformed(pick.seats, this.rules.seatsPerBookingMax);
    const { count, category } = pick.bestAvailable;
    if (count < 1) return no('NO_SEATS');
    if (count > this.rules.seatsPerBookingMax) return no('TOO_MANY_SEATS', { limit: this.rules.seatsPerBookingMax });
    const isKnown = category === undefined || this.layout.categories.includes(category);
    return isKnown ? null : no('UNKNOWN_CATEGORY');
  }

  private isOnSale(now: number): boolean {
    return this.rules.salesOpenAtMs <= now && now < this.rules.salesCloseAtMs;
  }

  /** Conflicts, cap and orphans; the seats of `own` count as free. */
  private obstacle(
    seats: number[],
    own: number[],
    buyer: string,
    now: number,
    instead?: Of<'hold'>['insteadOf'],
  ): SeatCommandResult | null {
    const status = (seat: number) => (own.includes(seat) ? 'a' : this.status(seat, now));
    const conflicts = this.conflicts(seats, own, now);
    if (conflicts.length > 0) return no('SEAT_UNAVAILABLE', { conflicts });
    const cap = this.rules.seatsPerBuyerMax;
    const goes = (ticket: Ticket, seat: number) =>
      ticket.id === instead?.bookingId && ticket.state === 'booked' && instead.seats.includes(seat);
    const others = this.tickets
      .filter((ticket) => ticket.buyer === buyer)
      .flatMap((ticket) =>
        ticket.seats.filter((seat) => this.owns(ticket, seat, now) && !own.includes(seat) && !goes(ticket, seat)),
      );
    if (cap > 0 && others.length + seats.length > cap) return no('TOO_MANY_SEATS', { limit: cap });
    const orphans = naiveRefusedOrphans(this.house, (seat) => status(seat) !== 'a', seats);
    return orphans.length > 0 ? no('ORPHAN_SEAT', { seats: orphans }) : null;
  }

  private owns(ticket: Ticket, seat: number, now: number): boolean {
    const isOwner = ticket.state === 'booked' || (ticket.state === 'held' && ticket.expiresAt > now);
    return isOwner && ticket.seats.includes(seat);
  }

  private conflicts(seats: readonly number[], own: readonly number[], now: number): [number, TakenSeatStatus][] {
    return sorted(seats).flatMap((seat) => {
      const status = own.includes(seat) ? 'a' : this.status(seat, now);
      return status === 'a' ? [] : [[seat, status] satisfies [number, TakenSeatStatus]];
    });
  }

  private hold(
    { bookingId, buyerId, fingerprint, ttlMs, pick, insteadOf }: Of<'hold'>,
    now: number,
  ): SeatCommandResult {
    const malformed = this.malformedPick(pick);
    if (malformed) return malformed;
    const known = this.known(bookingId, now);
    if (known?.state === 'booked') return no('ALREADY_BOOKED');
    if (known !== undefined) {
      if (known.fingerprint !== null && known.fingerprint !== fingerprint) return no('FINGERPRINT_MISMATCH');
      if (known.state === 'held' && known.expiresAt > now) return asHeld(known);
      const { seats, expiresAt, heldAt } = known;
      return no('HOLD_ENDED', { seats: sorted(seats), expiresAtMs: expiresAt, heldAtMs: heldAt });
    }
    if (ttlMs <= 0) return no('HOLD_EXPIRED');
    if (!this.isOnSale(now)) return no('SALES_CLOSED');
    const seats =
      'seats' in pick
        ? sorted(pick.seats)
        : naiveBestAvailable(this.house, (seat) => this.status(seat, now) !== 'a', pick.bestAvailable);
    if (typeof seats === 'string') return no(seats);
    const obstacle = this.obstacle(seats, [], buyerId, now, insteadOf);
    if (obstacle) return obstacle;
    const base = { id: bookingId, buyer: buyerId, fingerprint, seats, heldAt: now, endedAt: 0 };
    const ticket: Ticket = { ...base, expiresAt: now + ttlMs, state: 'held' };
    this.change(now, () => this.put(ticket));
    return asHeld(ticket);
  }

  /** The live hold, or why there is none. */
  private live(bookingId: string, now: number): Ticket | SeatCommandResult {
    const known = this.known(bookingId, now);
    if (known?.state === 'booked') return no('ALREADY_BOOKED');
    if (known?.state === 'held') return known.expiresAt > now ? known : no('HOLD_EXPIRED');
    return no(known?.state === 'expired' ? 'HOLD_EXPIRED' : 'NO_SUCH_HOLD');
  }

  private swap({ bookingId, seats }: Of<'swap'>, now: number): SeatCommandResult {
    const malformed = this.malformed(seats, this.rules.seatsPerBookingMax);
    if (malformed) return malformed;
    const live = this.live(bookingId, now);
    if ('ok' in live) return live;
    if (isEqual(seats, live.seats)) return asHeld(live);
    if (!this.isOnSale(now)) return no('SALES_CLOSED');
    const obstacle = this.obstacle(sorted(seats), live.seats, live.buyer, now);
    if (obstacle) return obstacle;
    const swapped = { ...live, seats: sorted(seats) };
    this.change(now, () => this.put(swapped));
    return asHeld(swapped);
  }

  private extend({ bookingId, expiresAtMs }: Of<'extend'>, now: number): SeatCommandResult {
    const live = this.live(bookingId, now);
    if ('ok' in live) return live;
    if (expiresAtMs <= now) return no('HOLD_EXPIRED');
    const extended = { ...live, expiresAt: expiresAtMs };
    if (live.expiresAt !== expiresAtMs) this.change(now, () => this.put(extended));
    return asHeld(extended);
  }

  private release({ bookingId }: Of<'release'>, now: number): SeatCommandResult {
    const known = this.known(bookingId, now);
    if (known?.state === 'booked') return no('ALREADY_BOOKED');
    if (known?.state === 'held') {
      const isOver = known.expiresAt <= now;
      this.change(now, () => (isOver ? undefined : this.put({ ...known, state: 'released', endedAt: now })));
    }
    return done(known?.seats ?? []);
  }

  private confirm({ bookingId, buyerId, seats, reclaim }: Of<'confirm'>, now: number): SeatCommandResult {
    const malformed = this.malformed(seats, this.rules.seatsPerBookingMax);
    if (malformed) return malformed;
    const known = this.known(bookingId, now);
    if (known?.state === 'booked') return isEqual(known.seats, seats) ? done(seats) : no('NO_SUCH_HOLD');
    const live = known?.state === 'held' && known.expiresAt > now ? known : undefined;
    if (!reclaim && live === undefined) return this.live(bookingId, now) as SeatCommandResult;
    if (!reclaim && !isEqual(live!.seats, seats)) return no('NO_SUCH_HOLD');
    if (known?.state === 'returned') return no('NO_SUCH_HOLD');
    const conflicts = this.conflicts(seats, live?.seats ?? [], now);
    if (conflicts.length > 0) return no('SEAT_UNAVAILABLE', { conflicts });
    const { heldAt, expiresAt, buyer } = { heldAt: now, expiresAt: now, buyer: buyerId, ...(live ?? known) };
    const booked = { id: bookingId, buyer: live ? buyer : buyerId, heldAt, expiresAt, seats: sorted(seats) };
    this.change(now, () => this.put({ ...booked, fingerprint: null, state: 'booked', endedAt: 0 }));
    return done(seats);
  }

  private exchange({ fromBookingId, bookingId, buyerId, seats, back }: Of<'exchange'>, now: number): SeatCommandResult {
    const malformed = this.malformed(seats, this.rules.seatsPerBookingMax);
    if (malformed) return malformed;
    const known = this.known(bookingId, now);
    if (known?.state === 'booked') {
      return seats.every((seat) => known.seats.includes(seat)) ? done(known.seats) : no('NO_SUCH_HOLD');
    }
    if (known?.state === 'returned' && back !== true) return no('NO_SUCH_HOLD');
    const from = this.known(fromBookingId, now);
    if (from?.state !== 'booked') return no('NO_SUCH_HOLD');
    const live = known?.state === 'held' && known.expiresAt > now ? known : undefined;
    const conflicts = this.conflicts(seats, [...from.seats, ...(live?.seats ?? [])], now);
    if (conflicts.length > 0) return no('SEAT_UNAVAILABLE', { conflicts });
    const all = sorted([...new Set([...from.seats, ...seats])]);
    const { heldAt, expiresAt, buyer } = { buyer: buyerId, heldAt: from.heldAt, expiresAt: from.expiresAt, ...live };
    this.change(now, () => {
      this.put({ ...from, state: 'returned', endedAt: now });
      const booked = { id: bookingId, buyer, heldAt, expiresAt, seats: all, fingerprint: null };
      this.put({ ...booked, state: 'booked', endedAt: 0 });
    });
    return done(all);
  }

  private giveBack({ bookingId, seats }: Of<'return'>, now: number): SeatCommandResult {
    const malformed = seats && this.malformed(seats, Infinity);
    if (malformed) return malformed;
    const known = this.known(bookingId, now);
    if (known?.state !== 'booked') {
      const isOver = known !== undefined && known.state !== 'held';
      if (isOver && known.state !== 'returned' && seats === undefined) {
        this.change(now, () => this.put({ ...known, state: 'returned', endedAt: now }));
      }
      return done(seats ?? (isOver ? known.seats : []));
    }
    const kept = known.seats.filter((seat) => seats !== undefined && !seats.includes(seat));
    if (kept.length < known.seats.length) {
      const rest: Ticket = kept.length > 0 ? { ...known, seats: kept } : { ...known, state: 'returned', endedAt: now };
      this.change(now, () => this.put(rest));
    }
    return done(seats ?? known.seats);
  }

  private block({ seats, reason }: Of<'block'>, now: number): SeatCommandResult {
    const malformed = this.malformed(seats, Infinity);
    if (malformed) return malformed;
    const conflicts = this.conflicts(seats, [], now).filter(([, status]) => status !== 'x');
    if (conflicts.length > 0) return no('SEAT_UNAVAILABLE', { conflicts });
    const fresh = seats.filter((seat) => !this.blocked.has(seat));
    if (fresh.length > 0) this.change(now, () => fresh.forEach((seat) => this.blocked.set(seat, reason)));
    return done(seats);
  }

  private unblock({ seats }: Of<'unblock'>, now: number): SeatCommandResult {
    const malformed = this.malformed(seats, Infinity);
    if (malformed) return malformed;
    if (seats.some((seat) => this.blocked.has(seat))) {
      this.change(now, () => seats.forEach((seat) => this.blocked.delete(seat)));
    }
    return done(seats);
  }
}
