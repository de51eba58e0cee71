import type { SeatMapView } from '../../src/contracts/show-messages.ts';
import { showWorkflowInput } from '../../src/contracts/show-start.ts';
import { showWorkflowId } from '../../src/contracts/workflow-ids.ts';
import type { NewBooking, PricedSeat } from '../../src/domain/booking.ts';
import type { BookingTerms } from '../../src/domain/booking-process.ts';
import { money } from '../../src/domain/money.ts';
import { parsePretixPlan } from '../../src/domain/pretix-plan.ts';
import { priceSeats } from '../../src/domain/pricing.ts';
import { seatLayout } from '../../src/domain/seat-layout.ts';
import type { SeatingPlan } from '../../src/domain/seating-plan.ts';
import { newId } from '../../src/platform/ids.ts';
import { findCity, insertCity, insertScreen, insertTheatre } from '../../src/read-model/catalogue.ts';
import { insertMovie } from '../../src/read-model/movies.ts';
import { loadSeatMap } from '../../src/read-model/seat-maps.ts';
import { insertSeatingPlan } from '../../src/read-model/seating-plans.ts';
import { findShow, insertShow, type Show } from '../../src/read-model/shows.ts';
import { eventually } from './eventually.ts';
import type { TestSystem } from './system.ts';
import { untilKnown } from './until-known.ts';

const HOUR_MS = 3_600_000;
const SEAT_PRICE = money(25_000, 'INR');

/** Rows A, B, … of neighbouring seats in one category; seat ids are `A1`, `A2`, …, indices run along the rows. */
export function rowsOfSeats(rows: number, seatsPerRow: number): SeatingPlan {
  const parsed = parsePretixPlan({
    name: `${rows} rows of ${seatsPerRow}`,
    categories: [{ name: 'Standard', color: '#336699' }],
    size: { width: seatsPerRow * 25 + 50, height: rows * 30 + 50 },
    zones: [
      {
        name: 'Hall',
        zone_id: 'hall',
        position: { x: 0, y: 0 },
        rows: Array.from({ length: rows }, (_, row) => ({
          row_number: rowName(row),
          position: { x: 25, y: 25 + row * 30 },
          seats: Array.from({ length: seatsPerRow }, (_unused, seat) => ({
            seat_guid: `${rowName(row)}${seat + 1}`,
            seat_number: String(seat + 1),
            position: { x: seat * 25, y: 0 },
            category: 'Standard',
          })),
        })),
      },
    ],
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return parsed.plan;
}

const rowName = (row: number): string =>
  (row < 26 ? '' : String.fromCharCode(64 + row / 26)) + String.fromCharCode(65 + (row % 26));

export interface ShowOptions {
  readonly plan?: SeatingPlan;
  readonly seatsPerBuyerMax?: number;
  readonly startsInMs?: number;
  readonly salesCloseInMs?: number;
  readonly endsInMs?: number;
  /** Of every seat, in minor units. */
  readonly seatPrice?: number;
  /** A city that may be there already; a new one otherwise. */
  readonly cityId?: string;
}

/** A show on sale with its rows in the read model and its workflow running; on a screen of its own. */
export async function openShow(system: Pick<TestSystem, 'db' | 'workflows'>, options: ShowOptions = {}): Promise<Show> {
  const { db, workflows } = system;
  const plan = options.plan ?? rowsOfSeats(5, 10);
  const nowMs = Date.now();
  const [cityId, theatreId, screenId] = [options.cityId ?? newId('cit'), newId('thr'), newId('scr')];
  const [movieId, seatingPlanId, id] = [newId('mov'), newId('pln'), newId('shw')];
  const location = { lat: 19.07, lng: 72.88 };
  if ((await findCity(db, cityId)) === null) {
    await insertCity(db, {
      id: cityId,
      name: cityId,
      country: 'IN',
      timeZone: 'Asia/Kolkata',
      location,
      population: 1,
    });
  }
  await insertTheatre(db, { id: theatreId, cityId, name: 'Test Theatre', address: null, location });
  await insertScreen(db, { id: screenId, theatreId, name: 'Screen 1' });
  await insertMovie(db, testMovie(movieId), nowMs);
  await insertSeatingPlan(db, { id: seatingPlanId, plan, layout: seatLayout(plan) }, nowMs);
  const price = options.seatPrice === undefined ? SEAT_PRICE : money(options.seatPrice, 'INR');
  const startsAtMs = nowMs + (options.startsInMs ?? 48 * HOUR_MS);
  await insertShow(
    db,
    {
      id,
      movieId,
      screenId,
      seatingPlanId,
      startsAtMs,
      endsAtMs: options.endsInMs === undefined ? startsAtMs + 2 * HOUR_MS : nowMs + options.endsInMs,
      salesOpenAtMs: nowMs - HOUR_MS,
      salesCloseAtMs: options.salesCloseInMs === undefined ? startsAtMs : nowMs + options.salesCloseInMs,
      language: 'en',
      format: '2D',
      categories: plan.categories.map((category) => ({ id: category.id, name: category.name, price })),
      overlapOverridden: false,
    },
    nowMs,
  );
  const show = await findShow(db, id, nowMs);
  if (!show) throw new Error('the show is not there');
  const limits = { seatsPerBookingMax: 10, seatsPerBuyerMax: options.seatsPerBuyerMax ?? 0 };
  await workflows.startShow(showWorkflowInput(show, seatLayout(plan), limits));
  return show;
}

const testMovie = (id: string) => ({
  id,
  title: 'A Film',
  genres: ['Drama'],
  durationMinutes: 120,
  certificate: null,
  director: null,
  releasedOn: null,
});

export const testTerms: BookingTerms = { holdTtlMs: 30_000, extensionsMax: 2, paymentDeadlineMs: 10_000 };

/** Holds seats and starts the booking's workflow, as the API does; without a row, which it writes itself at its end. */
export async function holdAndStart(
  system: Pick<TestSystem, 'workflows'>,
  show: Show,
  seats: readonly number[],
  terms: BookingTerms = testTerms,
): Promise<NewBooking> {
  const [bookingId, userId] = [newId('bkg'), newId('usr')];
  const fingerprint = `fingerprint of ${bookingId}`;
  const { holdTtlMs: ttlMs } = terms;
  const hold = { kind: 'hold', bookingId, fingerprint, buyerId: userId, ttlMs, pick: { seats } } as const;
  const granted = await untilKnown(() => system.workflows.seatCommand(show.id, hold));
  if (!granted.ok) throw new Error(`not granted: ${JSON.stringify(granted)}`);
  const category = show.categories[0]!;
  const booking: NewBooking = {
    id: bookingId,
    showId: show.id,
    userId,
    cityId: show.cityId,
    seats: seats.map((index): PricedSeat => ({ ...seatNamed(index), category: category.id, price: category.price })),
    price: priceSeats(
      seats.map(() => category.id),
      show.categories,
    ),
    fingerprint,
    heldAtMs: granted.heldAtMs!,
    expiresAtMs: granted.expiresAtMs!,
  };
  await untilKnown(() => system.workflows.startBooking({ booking, terms }));
  return booking;
}

const seatNamed = (index: number) => ({ id: `seat-${index}`, index, label: `Seat ${index}` });

export const viewOf = ({ temporal }: Pick<TestSystem, 'temporal'>, showId: string): Promise<SeatMapView> =>
  temporal.workflow.getHandle(showWorkflowId(showId)).query<SeatMapView>('seatMap');

export async function statusesOf(system: Pick<TestSystem, 'temporal'>, showId: string): Promise<string> {
  const { statuses } = await viewOf(system, showId);
  return statuses;
}

/** Until the row that readers see has caught up with the show: as long as it lags, that is a difference to reconciliation. */
export async function untilProjected(
  { db, temporal }: Pick<TestSystem, 'db' | 'temporal'>,
  showId: string,
): Promise<void> {
  const { version } = await viewOf({ temporal }, showId);
  await eventually(async () => expect((await loadSeatMap(db, showId))?.version).toBe(version));
}

/** What the provider moved for a booking: captured minus refunded, in minor units. */
export async function netCaptured(system: Pick<TestSystem, 'simulatorUrl'>, bookingId: string): Promise<number> {
  return (await ledgerOf(system))
    .filter((item) => item.bookingId === bookingId)
    .reduce((sum, item) => sum + (item.kind === 'charge' ? item.amount.amount : -item.amount.amount), 0);
}

/** Every movement of money at the provider, oldest first. */
export async function ledgerOf({ simulatorUrl }: Pick<TestSystem, 'simulatorUrl'>): Promise<readonly LedgerItem[]> {
  const response = await fetch(`${simulatorUrl}/ledger`);
  const { items } = (await response.json()) as { items: LedgerItem[] };
  return items;
}

export interface LedgerItem {
  readonly kind: 'charge' | 'refund';
  readonly bookingId: string;
  readonly attemptId: string;
  readonly amount: { readonly amount: number };
}
