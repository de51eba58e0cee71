import { DateTime } from 'luxon';
import { money } from '../domain/money.ts';
import { parsePretixPlan } from '../domain/pretix-plan.ts';
import type { CategoryPrice } from '../domain/pricing.ts';
import { seatLayout } from '../domain/seat-layout.ts';
import { derivedId, fingerprintOf } from '../platform/ids.ts';
import type { City, Screen, Theatre } from '../read-model/catalogue.ts';
import type { Movie } from '../read-model/movies.ts';
import type { StoredSeatingPlan } from '../read-model/seating-plans.ts';
import type { NewShow } from '../read-model/shows.ts';
import { demoCities } from './cities.ts';
import { demoFilms, type Film } from './films.ts';
import { demoHalls, type DemoHall } from './seating-plans.ts';
import { demoVenues } from './venues.ts';

/** Everything the demo catalogue consists of, in an order in which it can be inserted. */
export interface DemoCatalogue {
  readonly cities: readonly City[];
  readonly theatres: readonly Theatre[];
  readonly screens: readonly Screen[];
  readonly seatingPlans: readonly StoredSeatingPlan[];
  readonly movies: readonly Movie[];
  readonly shows: readonly NewShow[];
}

/** Local times at which shows begin. Large halls play in the evening only. */
const MATINEE = { hour: 14, minute: 0 };
const EVENING = { hour: 19, minute: 30 };
/** Which of the coming slots of a screen are played: the first is less than a day ahead, the last more than two. */
const CINEMA_SLOTS = [0, 2, 5];
/** Of the coming evenings: never today's, so that a large sale always has a day to go. */
const LARGE_HALL_SLOTS = [1, 3];
const LARGE_HALL_SEATS = 1_000;
/** No show begins sooner: there must be time to sell it. */
const LEAD_TIME_HOURS = 2;
/** Trailers before the film and leaving after it. */
const AROUND_THE_FILM_MINUTES = 25;

/** Base price in minor units of the currency, and the step to which prices are rounded. */
const pricesByCountry: Readonly<Record<string, { currency: string; base: number; step: number }>> = {
  IN: { currency: 'INR', base: 22_000, step: 1_000 },
  GB: { currency: 'GBP', base: 900, step: 50 },
  US: { currency: 'USD', base: 1_300, step: 50 },
  DE: { currency: 'EUR', base: 1_000, step: 50 },
  FR: { currency: 'EUR', base: 1_000, step: 50 },
  // The yen has no minor unit.
  JP: { currency: 'JPY', base: 1_800, step: 100 },
  AU: { currency: 'AUD', base: 1_900, step: 50 },
};

/** Languages (BCP 47) that a country's screens play in turn. */
const languagesByCountry: Readonly<Record<string, readonly string[]>> = {
  IN: ['en', 'hi'],
  GB: ['en'],
  US: ['en'],
  DE: ['de', 'en'],
  FR: ['fr', 'en'],
  JP: ['ja', 'en'],
  AU: ['en'],
};

/** The demo catalogue as of `nowMs`: the same for the same time. Sales are open from then until each show begins. */
export function demoCatalogue(nowMs: number, world: DemoWorld = demoWorld()): DemoCatalogue {
  const { cities, theatres, rooms, halls, movies } = world;
  const slots = rooms.flatMap((room) => slotsOf(room, nowMs).map((startsAtMs) => ({ room, startsAtMs })));
  return {
    cities,
    theatres,
    screens: rooms.map(({ screen }) => screen),
    seatingPlans: halls.map(({ stored }) => stored),
    movies,
    shows: slots.map((slot, i) => showOf(slot.room, slot.startsAtMs, movies[i % movies.length]!, i, nowMs)),
  };
}

/** What the demo catalogue has at any time. */
export interface DemoWorld {
  readonly cities: readonly City[];
  readonly theatres: readonly Theatre[];
  readonly rooms: readonly Room[];
  readonly halls: readonly BuiltHall[];
  readonly movies: readonly Film[];
}

/** Reads the packages with films and cities and draws the halls; takes about a second. */
export function demoWorld(): DemoWorld {
  const cities = demoCities();
  const halls = demoHalls().map(builtHall);
  const venues = demoVenues.map((venue, i) => {
    const city = cities.find(({ name }) => name === venue.city)!;
    return { venue, city, theatre: theatreOf(city, venue.name, i) };
  });
  const rooms = venues.flatMap(({ venue, city, theatre }) =>
    Object.entries(venue.screens).map(([name, key]): Room => ({
      city,
      screen: { id: derivedId('scr', theatre.id, name), theatreId: theatre.id, name },
      hall: halls.find(({ hall }) => hall.key === key)!,
    })),
  );
  return { cities, theatres: venues.map(({ theatre }) => theatre), rooms, halls, movies: demoFilms() };
}

interface BuiltHall {
  readonly hall: DemoHall;
  readonly stored: StoredSeatingPlan;
}

interface Room {
  readonly city: City;
  readonly screen: Screen;
  readonly hall: BuiltHall;
}

function builtHall(hall: DemoHall): BuiltHall {
  const parsed = parsePretixPlan(hall.plan);
  if (!parsed.ok) throw new Error(`the plan of ${hall.key} is not valid: ${JSON.stringify(parsed.errors.slice(0, 3))}`);
  // A plan is immutable: drawn otherwise, it is another one.
  const id = derivedId('pln', hall.key, fingerprintOf(hall.plan));
  return { hall, stored: { id, plan: parsed.plan, layout: seatLayout(parsed.plan) } };
}

/** Invented, so without an address; a few kilometres off the middle of its city, each in another direction. */
function theatreOf(city: City, name: string, i: number): Theatre {
  const degrees = 0.008 + 0.003 * (i % 5);
  const angle = i * 2.4;
  const location = {
    lat: rounded(city.location.lat + degrees * Math.sin(angle)),
    lng: rounded(city.location.lng + degrees * Math.cos(angle)),
  };
  return { id: derivedId('thr', city.id, name), cityId: city.id, name, address: null, location };
}

const rounded = (degrees: number): number => Math.round(degrees * 1e5) / 1e5;

/** Begins of the shows on a screen, Unix ms. */
function slotsOf({ city, hall }: Room, nowMs: number): number[] {
  const large = hall.stored.layout.seatCount >= LARGE_HALL_SEATS;
  const played = large ? LARGE_HALL_SLOTS : CINEMA_SLOTS;
  const now = DateTime.fromMillis(nowMs, { zone: city.timeZone });
  const earliestMs = now.plus({ hours: LEAD_TIME_HOURS }).toMillis();
  const coming = Array.from({ length: Math.max(...played) + 2 }, (_, days) => now.startOf('day').plus({ days }))
    .flatMap((day) => (large ? [EVENING] : [MATINEE, EVENING]).map((time) => day.set(time).toMillis()))
    .filter((startsAtMs) => startsAtMs >= earliestMs);
  return played.map((slot) => coming[slot]!);
}

function showOf(room: Room, startsAtMs: number, film: Film, i: number, nowMs: number): NewShow {
  const { city, screen, hall } = room;
  const languages = languagesByCountry[city.country]!;
  return {
    id: derivedId('shw', screen.id, String(startsAtMs)),
    movieId: film.id,
    screenId: screen.id,
    seatingPlanId: hall.stored.id,
    startsAtMs,
    endsAtMs: startsAtMs + (film.durationMinutes + AROUND_THE_FILM_MINUTES) * 60_000,
    salesOpenAtMs: nowMs,
    salesCloseAtMs: startsAtMs,
    language: languages[i % languages.length]!,
    format: hall.hall.format,
    categories: pricesOf(hall, city.country),
    overlapOverridden: false,
  };
}

function pricesOf({ hall, stored }: BuiltHall, country: string): CategoryPrice[] {
  const { currency, base, step } = pricesByCountry[country]!;
  return stored.plan.categories.map(({ id, name }) => ({
    id,
    name,
    price: money(Math.round((base * hall.priceLevels[name]!) / step) * step, currency),
  }));
}
