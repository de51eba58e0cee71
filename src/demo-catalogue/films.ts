import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { DateTime } from 'luxon';
import { z } from 'zod';
import { derivedId } from '../platform/ids.ts';
import type { Movie } from '../read-model/movies.ts';

/** Films in the demo catalogue: enough that a list has two pages. */
const FILMS = 25;
const RATING_MIN = 7.5;
/** Leaves time between an afternoon and an evening show on one screen. */
const RUNNING_TIME_MAX_MINUTES = 220;

/** As the data set has it where a row is complete; it has numbers and nulls for titles, and damaged accents. */
const completeRow = z.object({
  Title: z.string().regex(/^[\x20-\x7e]{1,120}$/),
  'Release Date': z.string(),
  'MPAA Rating': z.string().min(1),
  'Running Time min': z.int().min(60).max(RUNNING_TIME_MAX_MINUTES),
  Director: z.string().regex(/^[\x20-\x7e]+$/),
  'Major Genre': z.string().min(1),
  'IMDB Rating': z.number().min(RATING_MIN).max(10),
  'IMDB Votes': z.int().positive(),
});

export type Film = Movie & { readonly durationMinutes: number };

/** The films of vega-datasets' `movies.json` with complete rows and the most votes, most votes first. */
export function demoFilms(): Film[] {
  const rows = z.array(z.unknown()).parse(JSON.parse(readFileSync(moviesFile(), 'utf8')));
  const films = rows
    .flatMap((row) => completeRow.safeParse(row).data ?? [])
    .sort((a, b) => b['IMDB Votes'] - a['IMDB Votes'])
    .flatMap(toFilm);
  return [...new Map(films.map((film) => [film.id, film])).values()].slice(0, FILMS);
}

/** The package names its script only; its data lie beside it. */
function moviesFile(): string {
  const script = createRequire(import.meta.url).resolve('vega-datasets');
  return join(script, '..', '..', 'data', 'movies.json');
}

/** None when the date is not one: the data set has some with two digits for the year, and some that are yet to come. */
function toFilm(row: z.infer<typeof completeRow>): Film[] {
  const released = DateTime.fromFormat(row['Release Date'], 'MMM dd yyyy', { zone: 'utc', locale: 'en' });
  const releasedOn = released.toISODate();
  if (releasedOn === null || released.year > DATA_SET_YEAR) return [];
  return [
    {
      id: derivedId('mov', row.Title, releasedOn),
      title: row.Title,
      genres: row['Major Genre'].split('/'),
      durationMinutes: row['Running Time min'],
      certificate: row['MPAA Rating'],
      director: row.Director,
      releasedOn,
    },
  ];
}

/** The data were collected in this year: a later date is an error. */
const DATA_SET_YEAR = 2010;
