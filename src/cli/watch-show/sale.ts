import type { SeatMapBody, SeatMapChangeBody } from '../../contracts/http/seats.ts';
import { everyStatus, statusNames, type PlacedSeat, type SeatStatus } from './hall.ts';

/** Lines of what happened last. */
const NEWS_KEPT_MAX = 6;
/** Seats named in one line of news. */
const SEATS_NAMED_MAX = 8;

export interface News {
  readonly atMs: number;
  readonly text: string;
}

/** What a watcher knows of the sale of one show. */
export class Sale {
  readonly #labels: readonly string[];
  #statuses = '';
  #version = -1;
  #news: News[] = [];

  /** Seats in index order. */
  constructor(seats: readonly PlacedSeat[]) {
    this.#labels = seats.map(({ label }) => label);
  }

  get statuses(): string {
    return this.#statuses;
  }

  /** -1 before the first map. */
  get version(): number {
    return this.#version;
  }

  /** Newest first. */
  get news(): readonly News[] {
    return this.#news;
  }

  /** False: it is older than what is known, and changes nothing. */
  takeSnapshot({ version, statuses }: SeatMapBody, nowMs: number): boolean {
    if (version < this.#version) return false;
    const isFirst = this.#version < 0;
    const changes = [...statuses].flatMap((status, seat) => (status === this.#statuses[seat] ? [] : [[seat, status]]));
    [this.#version, this.#statuses] = [version, statuses];
    if (!isFirst && changes.length > 0) this.#tell(changes as [number, SeatStatus][], nowMs);
    return true;
  }

  takeChange({ version, changes }: SeatMapChangeBody, nowMs: number): boolean {
    if (version <= this.#version) return false;
    const seats = [...this.#statuses];
    for (const [seat, status] of changes) seats[seat] = status;
    [this.#version, this.#statuses] = [version, seats.join('')];
    this.#tell(changes, nowMs);
    return true;
  }

  #tell(changes: readonly (readonly [number, SeatStatus])[], atMs: number): void {
    this.#news = [{ atMs, text: this.#describe(changes) }, ...this.#news].slice(0, NEWS_KEPT_MAX);
  }

  /** `A-1, A-2 held · B-7 booked`. */
  #describe(changes: readonly (readonly [number, SeatStatus])[]): string {
    const parts = everyStatus.flatMap((status) => {
      const seats = changes.filter(([, now]) => now === status).map(([seat]) => this.#labels[seat] ?? `#${seat}`);
      if (seats.length === 0) return [];
      const more = seats.length > SEATS_NAMED_MAX ? ` and ${seats.length - SEATS_NAMED_MAX} more` : '';
      return [`${seats.slice(0, SEATS_NAMED_MAX).join(', ')}${more} ${statusNames[status]}`];
    });
    return parts.join(' · ');
  }
}
