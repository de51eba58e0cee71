import { type RawBuilder, type Selectable, sql } from 'kysely';
import { z } from 'zod';
import { cursorNumber, cursorOf, cursorText, type Page, type PageRequest, toPage } from './cursors.ts';
import type { ReadModel } from './database.ts';
import type { MoviesTable } from './tables.ts';
import { onVenueDate } from './venue-dates.ts';

export interface Movie {
  readonly id: string;
  readonly title: string;
  readonly genres: readonly string[];
  readonly durationMinutes: number | null;
  readonly certificate: string | null;
  readonly director: string | null;
  /** A calendar date, `2009-12-18`. */
  readonly releasedOn: string | null;
}

export async function insertMovie(db: ReadModel, movie: Movie, createdAtMs: number): Promise<void> {
  await db
    .insertInto('movies')
    .values({
      id: movie.id,
      title: movie.title,
      genres: [...movie.genres],
      duration_minutes: movie.durationMinutes,
      certificate: movie.certificate,
      director: movie.director,
      released_on: movie.releasedOn,
      created_at: new Date(createdAtMs),
    })
    .execute();
}

export async function findMovie(db: ReadModel, id: string): Promise<Movie | null> {
  const row = await db.selectFrom('movies').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? null : toMovie(row);
}

/** City, date, language and format ask for one show, not cancelled, that has all of them. */
export interface MovieFilter {
  readonly cityId?: string | undefined;
  /** A calendar date at the venue, `2026-11-20`. */
  readonly date?: string | undefined;
  readonly language?: string | undefined;
  readonly genre?: string | undefined;
  readonly format?: string | undefined;
  /** Part of a title, spelling mistakes allowed: the most similar titles come first. */
  readonly q?: string | undefined;
}

const movieCursor = cursorOf('movies', z.tuple([cursorNumber, cursorText, cursorText]));

/**
 * The most similar title first, then by title.
 * @throws InvalidCursorError
 */
export async function listMovies(
  db: ReadModel,
  filter: MovieFilter,
  { limit, cursor }: PageRequest,
): Promise<Page<Movie>> {
  const after = movieCursor.decode(cursor);
  let matching = db.selectFrom('movies').selectAll('movies').select(dissimilarity(filter.q).as('dissimilarity'));
  // The operator, not the function: it is what the trigram index answers, by `pg_trgm.word_similarity_threshold`.
  if (filter.q !== undefined) matching = matching.where(sql<boolean>`${filter.q} <% title`);
  if (filter.genre !== undefined) matching = matching.where(sql<boolean>`${filter.genre} = any(genres)`);
  if (asksForAShow(filter)) {
    matching = matching.where(sql<boolean>`exists (${showsThatFit(db, filter)})`);
  }
  let query = db
    .selectFrom(matching.as('movie'))
    .selectAll()
    .orderBy('dissimilarity')
    .orderBy('title')
    .orderBy('id')
    .limit(limit + 1);
  if (after !== null) {
    query = query.where(
      sql<boolean>`(dissimilarity, title, id) > (${after[0]}::double precision, ${after[1]}, ${after[2]})`,
    );
  }
  return toPage(await query.execute(), limit, toMovie, (row) =>
    movieCursor.encode([row.dissimilarity, row.title, row.id]),
  );
}

const dissimilarity = (q: string | undefined): RawBuilder<number> =>
  q === undefined ? sql<number>`0::double precision` : sql<number>`1 - word_similarity(${q}, title)::double precision`;

const asksForAShow = ({ cityId, date, language, format }: MovieFilter): boolean =>
  [cityId, date, language, format].some((each) => each !== undefined);

/** Correlated: to be used where `movies` is in scope. */
function showsThatFit(db: ReadModel, { cityId, date, language, format }: MovieFilter) {
  let query = db
    .selectFrom('shows')
    .innerJoin('theatres', 'theatres.id', 'shows.theatre_id')
    .innerJoin('cities', 'cities.id', 'theatres.city_id')
    .select('shows.id')
    .where(sql<boolean>`shows.movie_id = movies.id`)
    .where('shows.cancelled_at', 'is', null);
  if (cityId !== undefined) query = query.where('theatres.city_id', '=', cityId);
  if (language !== undefined) query = query.where('shows.language', '=', language);
  if (format !== undefined) query = query.where('shows.format', '=', format);
  if (date !== undefined) query = query.where(onVenueDate(date));
  return query;
}

const toMovie = (row: Selectable<MoviesTable>): Movie => ({
  id: row.id,
  title: row.title,
  genres: row.genres,
  durationMinutes: row.duration_minutes,
  certificate: row.certificate,
  director: row.director,
  releasedOn: row.released_on,
});
