import { type RawBuilder, sql } from 'kysely';
import { z } from 'zod';
import { type CancellationPolicy, defaultCancellationPolicy } from '../domain/cancellation-policy.ts';
import { cursorNumber, cursorOf, cursorText, type Page, type PageRequest, toPage } from './cursors.ts';
import type { ReadModel, ReadModelTransaction } from './database.ts';
import { translatingErrors } from './errors.ts';

export interface Location {
  readonly lat: number;
  readonly lng: number;
}

export interface City {
  readonly id: string;
  readonly name: string;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  /** IANA zone. */
  readonly timeZone: string;
  readonly location: Location;
  readonly population: number;
}

export interface Theatre {
  readonly id: string;
  readonly cityId: string;
  readonly name: string;
  readonly address: string | null;
  readonly location: Location;
}

export interface Screen {
  readonly id: string;
  readonly theatreId: string;
  readonly name: string;
}

export interface TheatreWithScreens extends Theatre {
  readonly cancellationPolicy: CancellationPolicy;
  /** In the order of their names. */
  readonly screens: readonly Screen[];
}

/** True on a database that was never seeded. */
export async function isEmpty(db: ReadModel): Promise<boolean> {
  const city = await db.selectFrom('cities').select('id').limit(1).executeTakeFirst();
  return city === undefined;
}

export async function insertCity(db: ReadModel, city: City): Promise<void> {
  const { id, name, country, timeZone: zone, location, population } = city;
  await db
    .insertInto('cities')
    .values({ id, name, country, zone, ...location, population })
    .execute();
}

const cityCursor = cursorOf('cities', z.tuple([cursorText, cursorText]));

/**
 * By name.
 * @throws InvalidCursorError
 */
export async function listCities(db: ReadModel, { limit, cursor }: PageRequest): Promise<Page<City>> {
  const after = cityCursor.decode(cursor);
  let query = db
    .selectFrom('cities')
    .selectAll()
    .orderBy('name')
    .orderBy('id')
    .limit(limit + 1);
  if (after !== null) query = query.where(sql<boolean>`(name, id) > (${after[0]}, ${after[1]})`);
  return toPage(await query.execute(), limit, toCity, (row) => cityCursor.encode([row.name, row.id]));
}

export async function findCity(db: ReadModel, id: string): Promise<City | null> {
  const row = await db.selectFrom('cities').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? null : toCity(row);
}

function toCity(row: CityRow): City {
  const { id, name, country, zone: timeZone, lat, lng, population } = row;
  return { id, name, country, timeZone, location: { lat, lng }, population };
}
type CityRow = Omit<City, 'timeZone' | 'location'> & Location & { readonly zone: string };

/**
 * Without a policy of its own the default one applies.
 * @throws InvalidReferenceError no such city
 */
export async function insertTheatre(
  db: ReadModel,
  theatre: Theatre,
  policy: CancellationPolicy | null = null,
): Promise<void> {
  const { id, cityId, name, address, location } = theatre;
  await translatingErrors(
    db
      .insertInto('theatres')
      .values({
        id,
        city_id: cityId,
        name,
        address,
        ...location,
        cancellation_policy: policy && JSON.stringify(policy),
      })
      .execute(),
  );
}

/** @throws InvalidReferenceError no such theatre, or it has a screen of that name */
export async function insertScreen(db: ReadModel, screen: Screen): Promise<void> {
  const { id, theatreId, name } = screen;
  await translatingErrors(db.insertInto('screens').values({ id, theatre_id: theatreId, name }).execute());
}

export async function findScreen(db: ReadModel, id: string): Promise<Screen | null> {
  const row = await db.selectFrom('screens').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? null : toScreen(row);
}

const toScreen = (row: { id: string; theatre_id: string; name: string }): Screen => ({
  id: row.id,
  theatreId: row.theatre_id,
  name: row.name,
});

export async function findTheatre(db: ReadModel, id: string): Promise<TheatreWithScreens | null> {
  // One after the other: within a transaction both go over one connection.
  const row = await db.selectFrom('theatres').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) return null;
  const screens = await db.selectFrom('screens').selectAll().where('theatre_id', '=', id).orderBy('name').execute();
  const cancellationPolicy = row.cancellation_policy ?? defaultCancellationPolicy;
  return { ...toTheatre(row), cancellationPolicy, screens: screens.map(toScreen) };
}

/** Until the transaction ends nobody else changes it. */
export async function lockTheatre(trx: ReadModelTransaction, id: string): Promise<void> {
  await trx.selectFrom('theatres').select('id').where('id', '=', id).forNoKeyUpdate().execute();
}

/** For what is bought from now on; null: the default. */
export async function setCancellationPolicy(
  db: ReadModel,
  theatreId: string,
  policy: CancellationPolicy | null,
): Promise<void> {
  await db
    .updateTable('theatres')
    .set({ cancellation_policy: policy && JSON.stringify(policy) })
    .where('id', '=', theatreId)
    .execute();
}

export interface TheatreFilter {
  readonly cityId?: string | undefined;
}

const theatreCursor = cursorOf('theatres', z.tuple([cursorText, cursorText]));

/**
 * By name.
 * @throws InvalidCursorError
 */
export async function listTheatres(
  db: ReadModel,
  { cityId }: TheatreFilter,
  { limit, cursor }: PageRequest,
): Promise<Page<Theatre>> {
  const after = theatreCursor.decode(cursor);
  let query = db
    .selectFrom('theatres')
    .selectAll()
    .orderBy('name')
    .orderBy('id')
    .limit(limit + 1);
  if (cityId !== undefined) query = query.where('city_id', '=', cityId);
  if (after !== null) query = query.where(sql<boolean>`(name, id) > (${after[0]}, ${after[1]})`);
  return toPage(await query.execute(), limit, toTheatre, (row) => theatreCursor.encode([row.name, row.id]));
}

export interface TheatresNear extends TheatreFilter {
  readonly point: Location;
  readonly radiusKm: number;
}

const nearCursor = cursorOf('theatres-near', z.tuple([cursorNumber, cursorText]));

/**
 * Nearest first, with the distance over the ground (a sphere of Earth's mean radius: right to half a percent).
 * @throws InvalidCursorError
 */
export async function listTheatresNear(
  db: ReadModel,
  { cityId, point, radiusKm }: TheatresNear,
  { limit, cursor }: PageRequest,
): Promise<Page<Theatre & { readonly distanceKm: number }>> {
  const after = nearCursor.decode(cursor);
  const radiusDegrees = radiusKm / KM_PER_DEGREE_OF_LATITUDE;
  let theatres = db
    .selectFrom('theatres')
    .selectAll()
    .select(distanceKmFrom(point).as('distanceKm'))
    // Of no effect on the answer: lets the index leave out most of the world before any distance is computed.
    .where('lat', '>=', point.lat - radiusDegrees)
    .where('lat', '<=', point.lat + radiusDegrees);
  if (cityId !== undefined) theatres = theatres.where('city_id', '=', cityId);
  let query = db
    .selectFrom(theatres.as('theatre'))
    .selectAll()
    .where('distanceKm', '<=', radiusKm)
    .orderBy('distanceKm')
    .orderBy('id')
    .limit(limit + 1);
  if (after !== null) {
    query = query.where(sql<boolean>`("distanceKm", id) > (${after[0]}::double precision, ${after[1]})`);
  }
  return toPage(
    await query.execute(),
    limit,
    (row) => ({ ...toTheatre(row), distanceKm: row.distanceKm }),
    (row) => nearCursor.encode([row.distanceKm, row.id]),
  );
}

/** Earth's mean radius (IUGG). */
const EARTH_RADIUS_KM = 6_371.0088;
/** Rounded down, so that the box is never too small. */
const KM_PER_DEGREE_OF_LATITUDE = 111;

/** The haversine formula, which stays exact for small distances; `least` guards the arcsine against rounding. */
const distanceKmFrom = ({ lat, lng }: Location): RawBuilder<number> => sql<number>`
  2 * ${EARTH_RADIUS_KM}::double precision * asin(least(1, sqrt(
    sin(radians(lat - ${lat}::double precision) / 2) ^ 2
    + cos(radians(lat)) * cos(radians(${lat}::double precision))
      * sin(radians(lng - ${lng}::double precision) / 2) ^ 2)))`;

function toTheatre(row: TheatreRow): Theatre {
  const { id, city_id: cityId, name, address, lat, lng } = row;
  return { id, cityId, name, address, location: { lat, lng } };
}
type TheatreRow = Omit<Theatre, 'cityId' | 'location'> & Location & { readonly city_id: string };
