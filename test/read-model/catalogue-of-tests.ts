import type { SeatLayout } from '../../src/domain/seat-layout.ts';
import type { SeatingPlan } from '../../src/domain/seating-plan.ts';
import {
  type City,
  insertCity,
  insertScreen,
  insertTheatre,
  type Location,
  type Theatre,
} from '../../src/read-model/catalogue.ts';
import type { ReadModel } from '../../src/read-model/database.ts';
import { insertMovie, type Movie } from '../../src/read-model/movies.ts';
import { insertSeatingPlan } from '../../src/read-model/seating-plans.ts';
import { insertShow, type NewShow } from '../../src/read-model/shows.ts';
import { someId } from './bookings-of-tests.ts';

const HOUR_MS = 3_600_000;
export const CREATED_AT_MS = Date.UTC(2026, 10, 1);
const MUMBAI: Location = { lat: 19.07283, lng: 72.88261 };

export async function insertSomeCity(db: ReadModel, wanted: Partial<City> = {}): Promise<City> {
  const city = {
    id: someId('cit'),
    name: 'Mumbai',
    country: 'IN',
    timeZone: 'Asia/Kolkata',
    location: MUMBAI,
    population: 12_691_836,
    ...wanted,
  };
  await insertCity(db, city);
  return city;
}

export async function insertSomeTheatre(db: ReadModel, wanted: Partial<Theatre> = {}): Promise<Theatre> {
  const cityId = wanted.cityId ?? (await insertSomeCity(db)).id;
  const theatre = { id: someId('thr'), name: 'Regal', address: null, location: MUMBAI, ...wanted, cityId };
  await insertTheatre(db, theatre);
  return theatre;
}

export async function insertSomeMovie(db: ReadModel, wanted: Partial<Movie> = {}): Promise<Movie> {
  const movie = {
    id: someId('mov'),
    title: 'Avatar',
    genres: ['Action'],
    durationMinutes: 162,
    certificate: 'PG-13',
    director: 'James Cameron',
    releasedOn: '2009-12-18',
    ...wanted,
  };
  await insertMovie(db, movie, CREATED_AT_MS);
  return movie;
}

/** A single straight row. */
export async function insertSomePlan(db: ReadModel, seatCount = 4): Promise<string> {
  const id = someId('pln');
  await insertSeatingPlan(db, { id, plan: somePlan(seatCount), layout: someLayout(seatCount) }, CREATED_AT_MS);
  return id;
}

export const somePlan = (seatCount: number): SeatingPlan => ({
  name: 'One row',
  categories: [{ id: 'gold', name: 'Gold', color: '#c0a000' }],
  areas: [],
  size: { width: seatCount * 10, height: 10 },
  sections: [
    {
      id: 'stalls',
      name: 'Stalls',
      rows: [
        {
          id: 'A',
          name: 'A',
          label: 'A',
          seatLabel: null,
          seats: Array.from({ length: seatCount }, (_, index) => ({
            id: `A${index + 1}`,
            index,
            number: `${index + 1}`,
            label: `A-${index + 1}`,
            x: index * 10,
            y: 5,
            category: 'gold',
            accessible: false,
            companion: false,
          })),
        },
      ],
    },
  ],
});

export const someLayout = (seatCount: number): SeatLayout => ({
  seatCount,
  runLengths: [seatCount],
  runRows: [0],
  categories: ['gold'],
  seatCategories: [[0, seatCount]],
  accessibleSeats: [],
  companionSeats: [],
  seatRanks: Array.from({ length: seatCount }, () => 0),
});

export interface SomeShow extends Partial<NewShow> {
  readonly seatCount?: number;
  readonly theatreId?: string;
}

/** A show of two hours on a screen of its own, unless told otherwise. */
export async function insertSomeShow(db: ReadModel, wanted: SomeShow = {}) {
  const { seatCount, theatreId, ...given } = wanted;
  const startsAtMs = given.startsAtMs ?? Date.UTC(2026, 10, 20, 13, 30);
  const show: NewShow = {
    id: someId('shw'),
    movieId: given.movieId ?? (await insertSomeMovie(db)).id,
    screenId: given.screenId ?? (await insertSomeScreen(db, theatreId)),
    seatingPlanId: given.seatingPlanId ?? (await insertSomePlan(db, seatCount)),
    startsAtMs,
    endsAtMs: startsAtMs + 2 * HOUR_MS,
    salesOpenAtMs: CREATED_AT_MS,
    salesCloseAtMs: startsAtMs,
    language: 'en',
    format: '2D',
    categories: [{ id: 'gold', name: 'Gold', price: { amount: 25_000, currency: 'INR' } }],
    overlapOverridden: false,
    ...given,
  };
  await insertShow(db, show, CREATED_AT_MS);
  return { ...show, showId: show.id };
}

export async function insertSomeScreen(db: ReadModel, theatreId?: string): Promise<string> {
  const screen = { id: someId('scr'), theatreId: theatreId ?? (await insertSomeTheatre(db)).id, name: someId('name') };
  await insertScreen(db, screen);
  return screen.id;
}
