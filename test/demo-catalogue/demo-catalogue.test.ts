import fc from 'fast-check';
import { DateTime, IANAZone } from 'luxon';
import { demoCatalogue, demoWorld, type DemoCatalogue } from '../../src/demo-catalogue/demo-catalogue.ts';
import { seatsOf } from '../../src/domain/seating-plan.ts';
import type { NewShow } from '../../src/read-model/shows.ts';

const NOW_MS = Date.UTC(2026, 10, 20, 10, 30);
const HOUR_MS = 3_600_000;
const world = demoWorld();
const catalogue = demoCatalogue(NOW_MS, world);

const venueOf = ({ screens, theatres, cities }: DemoCatalogue, show: NewShow) => {
  const screen = screens.find(({ id }) => id === show.screenId)!;
  const theatre = theatres.find(({ id }) => id === screen.theatreId)!;
  return { theatre, city: cities.find(({ id }) => id === theatre.cityId)! };
};
const seatCount = ({ seatingPlans }: DemoCatalogue, show: NewShow): number =>
  seatingPlans.find(({ id }) => id === show.seatingPlanId)!.layout.seatCount;

describe('the demo catalogue', () => {
  it('is the same for the same time, and refers only to what it has', () => {
    expect(demoCatalogue(NOW_MS)).toEqual(catalogue);
    const ids = Object.values(catalogue).flatMap((rows: readonly { readonly id: string }[]) =>
      rows.map(({ id }) => id),
    );
    expect(new Set(ids).size).toBe(ids.length);
    for (const show of catalogue.shows) {
      expect(venueOf(catalogue, show).city.name).toBeTruthy();
      expect(seatCount(catalogue, show)).toBeGreaterThan(0);
      expect(catalogue.movies.some(({ id }) => id === show.movieId)).toBe(true);
    }
  });

  it('has real cities in their own time zones', () => {
    const zones = Object.fromEntries(catalogue.cities.map(({ name, timeZone }) => [name, timeZone]));
    expect(zones).toMatchObject({
      Mumbai: 'Asia/Kolkata',
      London: 'Europe/London',
      'New York City': 'America/New_York',
    });
    expect(catalogue.cities.length).toBeGreaterThanOrEqual(8);
    expect(catalogue.cities.filter(({ country }) => country === 'IN').length).toBeGreaterThanOrEqual(4);
    for (const zone of Object.values(zones)) expect(IANAZone.isValidZone(zone)).toBe(true);
    const mumbai = catalogue.cities.find(({ name }) => name === 'Mumbai')!;
    expect(mumbai.location.lat).toBeCloseTo(19.07, 1);
    expect(mumbai.location.lng).toBeCloseTo(72.88, 1);
  });

  it('has real films, each complete and each in a show', () => {
    expect(catalogue.movies).toHaveLength(25);
    for (const film of catalogue.movies) {
      expect(film.title).toMatch(/^[\x20-\x7e]+$/);
      expect(film.releasedOn! < '2011').toBe(true);
      expect(film.durationMinutes).toBeGreaterThan(60);
      expect(catalogue.shows.some(({ movieId }) => movieId === film.id)).toBe(true);
    }
    expect(catalogue.movies.map(({ title }) => title)).toContain('The Matrix');
  });

  // A year and more of hours, with every change of the clocks in it.
  const anyHour = fc.integer({ min: 0, max: 400 * 24 }).map((hours) => NOW_MS + hours * HOUR_MS);

  it('has enough shows of each kind at whatever time it is made', () => {
    fc.assert(
      fc.property(anyHour, (nowMs) => {
        const made = demoCatalogue(nowMs, world);
        const seats = made.shows.map((show) => seatCount(made, show));
        const ahead = made.shows.map(({ startsAtMs }) => (startsAtMs - nowMs) / HOUR_MS);
        expect(made.shows.length).toBeGreaterThanOrEqual(30);
        expect(seats.filter((count) => count >= 1_000).length).toBeGreaterThanOrEqual(5);
        expect(seats.some((count) => count >= 3_000 && count < 10_000)).toBe(true);
        expect(seats.some((count) => count >= 10_000)).toBe(true);
        expect(ahead.filter((hours) => hours < 24).length).toBeGreaterThanOrEqual(5);
        expect(ahead.filter((hours) => hours > 24).length).toBeGreaterThanOrEqual(20);
        expect(Math.min(...ahead)).toBeGreaterThanOrEqual(2);
      }),
      { numRuns: 40 },
    );
  });

  it('shows in the afternoon or evening of its venue, one show at a time on a screen, on sale until it begins', () => {
    fc.assert(
      fc.property(anyHour, (nowMs) => {
        const made = demoCatalogue(nowMs, world);
        for (const shows of Map.groupBy(made.shows, ({ screenId }) => screenId).values()) {
          const inOrder = shows.toSorted((a, b) => a.startsAtMs - b.startsAtMs);
          for (const [i, show] of inOrder.entries()) {
            const { timeZone } = venueOf(made, show).city;
            const local = DateTime.fromMillis(show.startsAtMs, { zone: timeZone }).toFormat('HH:mm');
            expect(['14:00', '19:30']).toContain(local);
            expect(show.startsAtMs).toBeGreaterThanOrEqual(inOrder[i - 1]?.endsAtMs ?? 0);
            expect(show).toMatchObject({ salesOpenAtMs: nowMs, salesCloseAtMs: show.startsAtMs });
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it("has a price for every category of a show's plan, in the currency of the place", () => {
    const currencies: Record<string, string> = {
      IN: 'INR',
      GB: 'GBP',
      US: 'USD',
      DE: 'EUR',
      FR: 'EUR',
      JP: 'JPY',
      AU: 'AUD',
    };
    for (const show of catalogue.shows) {
      const { plan } = catalogue.seatingPlans.find(({ id }) => id === show.seatingPlanId)!;
      expect(show.categories.map(({ id }) => id)).toEqual(plan.categories.map(({ id }) => id));
      for (const { price } of show.categories) {
        expect(price.currency).toBe(currencies[venueOf(catalogue, show).city.country]);
        expect(price.amount).toBeGreaterThan(0);
      }
    }
  });
});

describe('the demo halls', () => {
  const stored = (name: string) => catalogue.seatingPlans.find(({ plan }) => plan.name === name)!;
  const idsOfRuns = (name: string): string[][] => {
    const { plan, layout } = stored(name);
    const ids = seatsOf(plan).map(({ id }) => id);
    let start = 0;
    return layout.runLengths.map((length) => ids.slice(start, (start += length)));
  };

  it('have no label twice, and a companion beside every wheelchair', () => {
    for (const { plan, layout } of catalogue.seatingPlans) {
      const seats = seatsOf(plan);
      expect(new Set(seats.map(({ label }) => label)).size).toBe(seats.length);
      expect(layout.accessibleSeats.length).toBeGreaterThan(0);
      const starts = new Set(
        layout.runLengths.map((_, run) => layout.runLengths.slice(0, run).reduce((a, b) => a + b, 0)),
      );
      for (const seat of layout.accessibleSeats) {
        const before = starts.has(seat) ? [] : [seat - 1];
        const after = starts.has(seat + 1) ? [] : [seat + 1];
        expect([...before, ...after].some((next) => layout.companionSeats.includes(next))).toBe(true);
      }
    }
  });

  it('seat as many as they say', () => {
    const counts = Object.fromEntries(catalogue.seatingPlans.map(({ plan, layout }) => [plan.name, layout.seatCount]));
    expect(counts).toMatchObject({ Studio: 60, 'Multiplex hall': 180, 'Lounge with sofas': 102, 'Giant screen': 400 });
    expect(counts['Opera house']).toBeGreaterThanOrEqual(1_000);
    expect(counts['Festival hall']).toBeGreaterThanOrEqual(3_000);
    expect(counts['Round arena']).toBeGreaterThanOrEqual(10_000);
  });

  it('have aisles between sofas, numbers in a serpentine, and boxes apart from the row of their name', () => {
    expect(
      idsOfRuns('Lounge with sofas')
        .slice(-36)
        .every((run) => run.length === 2),
    ).toBe(true);
    const rows = idsOfRuns('Town hall');
    expect(rows[0]).toEqual(['A1', 'A2', 'A3', 'A4', 'A5', 'A6', 'A7', 'A8', 'A9']);
    expect(rows[2]).toEqual(['B36', 'B35', 'B34', 'B33', 'B32', 'B31', 'B30', 'B29', 'B28']);
    expect(rows[6]).toEqual(['C217', 'C218', 'C219']);
  });

  it('have curved rows that are parted by their aisles only', () => {
    const { plan, layout } = stored('Round arena');
    const rows = plan.sections.reduce((sum, section) => sum + section.rows.length, 0);
    expect(layout.runLengths).toHaveLength(rows);
    const theatre = stored('Theatre with balcony');
    expect(theatre.layout.runLengths).toHaveLength(23 * 3);
    expect(new Set(theatre.layout.runRows).size).toBe(23);
  });
});
