import { setTimeout as delay } from 'node:timers/promises';
import { costsPerOperation, serviceCpuMs } from '../costs.ts';
import { cpuBetween, type Part, parts, processCosts } from '../process-costs.ts';
import { countOf, expectNoFailures, holdQuantile } from '../sales-figures.ts';
import type { BenchContext, Point, Scenario } from '../scenario.ts';
import { pairsAcross } from '../shows.ts';
import { rounded } from '../statistics.ts';

const SEATS = [100, 1_000, 10_000];
const OPEN_SHOWS = [10, 200, 2_000];
const BOOKINGS = [1_000, 10_000, 50_000];
/** Opening bookings takes this long at most: what was reached by then is the last step. */
const BOOKINGS_WITHIN_MS = 420_000;
/** What ten thousand bookings leave behind, timers and checkpoints, is worked off first: nobody else is there. */
const QUIET_BELOW_CPU_MS = 150;
const QUIET_LOOK_EVERY_MS = 1_000;
const QUIET_WITHIN_MS = 45_000;
const CLIENTS = 128;
const WARM_UP_HOLDS = 20;
const HOLDS = 150;
const SEATS_OF_MEASURED_SHOW = 1_000;
const SEATS_OF_FILLED_SHOW = 10_000;
const HOLD_TTL_SECONDS = 86_400;

/** W6. A hold by one buyer, when nobody else is there, as the hall, the programme and the open bookings grow. */
export const growth: Scenario = {
  name: 'growth',
  what: `W6: a hold by one client in a closed loop, ${HOLDS} times: in halls of ${SEATS.join(', ')} seats; then with ${OPEN_SHOWS.join(', ')} open shows; then with ${BOOKINGS.join(', ')} open bookings, or as many as are held within ${BOOKINGS_WITHIN_MS / 1_000} s, once the system is at rest after their making, or for ${QUIET_WITHIN_MS / 1_000} s`,
  profiles: ['server'],
  runsMax: 1,
  settings: { HOLD_TTL_SECONDS: String(HOLD_TTL_SECONDS) },
  figures: [
    { figure: 'hold median, 10,000 ÷ 100 seats', unit: '', better: 'less', floor: 1.5 },
    { figure: 'hold median, most ÷ fewest shows', unit: '', better: 'less', floor: 1.5 },
    { figure: 'hold median, most ÷ fewest bookings', unit: '', better: 'less', floor: 1.5 },
    { figure: 'worst step, latency ÷ size', unit: '', better: 'less', floor: 1 },
    { figure: 'open shows reached', unit: '', better: 'more', floor: 2_000 },
    { figure: 'open bookings reached', unit: '', better: 'more', floor: 50_000 },
  ],
  async run(context) {
    const [buyer] = (await context.api.guests(1)) as [string];
    const steps = {
      seats: await bySeats(context, buyer),
      shows: await byShows(context, buyer),
      bookings: await byBookings(context, buyer),
    };
    return {
      figures: {
        'hold median, 10,000 ÷ 100 seats': growthOf(steps.seats),
        'hold median, most ÷ fewest shows': growthOf(steps.shows),
        'hold median, most ÷ fewest bookings': growthOf(steps.bookings),
        'worst step, latency ÷ size': Math.max(...Object.values(steps).map(worstStep)),
        'open shows reached': steps.shows.at(-1)!.size,
        'open bookings reached': steps.bookings.at(-1)!.size,
      },
      table: tableOf(steps),
      points: Object.entries(steps).flatMap(([of, ofIt]) =>
        ofIt.flatMap(({ size, medianMs, p99Ms }): Point[] => [
          { line: `${of}, median`, x: size, y: medianMs },
          { line: `${of}, p99`, x: size, y: p99Ms },
        ]),
      ),
    };
  },
};

interface Step {
  readonly size: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  /** Of the service's processes for each hold, what they do without one included. */
  readonly cpuMs: number;
  /** When the holds of the step have been made. */
  readonly residentBytes: Readonly<Record<Part, number>>;
}

const tableOf = (steps: Readonly<Record<string, readonly Step[]>>): string => {
  const header = [
    'of the show, or open',
    'hold, median, ms',
    'p99, ms',
    'CPU-ms a hold',
    ...parts.map((part) => `${part}, MiB`),
  ];
  const rows = Object.entries(steps).flatMap(([of, ofIt]) =>
    ofIt.map(({ size, medianMs, p99Ms, cpuMs, residentBytes }) => [
      `${size} ${of}`,
      ...[medianMs, p99Ms, cpuMs, ...parts.map((part) => residentBytes[part] / 2 ** 20)].map(rounded),
    ]),
  );
  return [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
};

const growthOf = (steps: readonly Step[]): number => steps.at(-1)!.medianMs / steps[0]!.medianMs;

/** How much faster than its size the latency has grown in any step: 1 is linear, and twice the size at the same latency ½. */
export const worstStep = (steps: readonly Pick<Step, 'size' | 'medianMs'>[]): number =>
  Math.max(
    ...steps
      .slice(1)
      .map(({ size, medianMs }, index) => medianMs / steps[index]!.medianMs / (size / steps[index]!.size)),
  );

async function bySeats(context: BenchContext, buyer: string): Promise<Step[]> {
  const steps: Step[] = [];
  for (const size of SEATS) steps.push({ size, ...(await holdLatency(context, buyer, size)) });
  return steps;
}

async function byShows(context: BenchContext, buyer: string): Promise<Step[]> {
  const steps: Step[] = [];
  const sold = new Set(context.sales.shows);
  const unsold = (await openShows(context)).filter((showId) => !sold.has(showId));
  // The one that is measured comes to them.
  for (const showId of unsold.slice(OPEN_SHOWS[0]! - 1 - sold.size)) await cancelShow(context, showId);
  let open = (await openShows(context)).length;
  for (const size of OPEN_SHOWS) {
    await context.boxOffice.newShows(size - 1 - open, SEATS[0]!);
    await quiet(context);
    steps.push({ size, ...(await holdLatency(context, buyer, SEATS_OF_MEASURED_SHOW)) });
    open = size;
  }
  return steps;
}

async function byBookings(context: BenchContext, buyer: string): Promise<Step[]> {
  const steps: Step[] = [];
  const buyers = await context.api.guests(CLIENTS);
  const deadlineMs = Date.now() + BOOKINGS_WITHIN_MS;
  let open = context.sales.bookings.length;
  for (const size of BOOKINGS) {
    if (Date.now() >= deadlineMs) break;
    open += await openBookings(context, buyers, size - open, deadlineMs - Date.now());
    await quiet(context);
    steps.push({ size: open, ...(await holdLatency(context, buyer, SEATS_OF_MEASURED_SHOW)) });
    open = context.sales.bookings.length;
  }
  return steps;
}

async function holdLatency({ boxOffice, load, sales, system }: BenchContext, buyer: string, seats: number) {
  const choices = [];
  while (choices.length < WARM_UP_HOLDS + HOLDS) choices.push(...pairsAcross([await boxOffice.newShow(seats)]));
  const loaded = await load({
    kind: 'closed loops',
    front: { kind: 'seatkeeper', origin: system.api, buyers: [buyer] },
    clients: 1,
    choices: choices.slice(0, WARM_UP_HOLDS + HOLDS),
    order: 'in turn',
    pays: false,
    warmUpMs: 0,
    measuredMs: Infinity,
  });
  const { attempts } = loaded.outcome;
  sales.addAttempts(attempts, choices, [buyer]);
  expectNoFailures(attempts);
  const measured = attempts.slice(WARM_UP_HOLDS);
  const { residentBytes } = loaded.after;
  const cpuMs = serviceCpuMs(costsPerOperation(loaded, attempts.length));
  return { medianMs: holdQuantile(measured, 0.5), p99Ms: holdQuantile(measured, 0.99), cpuMs, residentBytes };
}

/** Resolves when the system does next to nothing for a moment, or does not come to rest. */
async function quiet({ system }: BenchContext): Promise<void> {
  const deadlineMs = Date.now() + QUIET_WITHIN_MS;
  for (let usedMs = Infinity; usedMs > QUIET_BELOW_CPU_MS && Date.now() < deadlineMs;) {
    const before = processCosts(system.pid);
    await delay(QUIET_LOOK_EVERY_MS);
    usedMs = Object.values(cpuBetween(before, processCosts(system.pid))).reduce((sum, ms) => sum + ms, 0);
  }
}

/** How many were opened in the time. */
async function openBookings(
  { boxOffice, load, sales, system }: BenchContext,
  buyers: readonly string[],
  count: number,
  withinMs: number,
): Promise<number> {
  const shows = await boxOffice.newShows(Math.ceil((2 * count) / (SEATS_OF_FILLED_SHOW * 0.9)), SEATS_OF_FILLED_SHOW);
  // Show after show: what comes for one of them goes to it together, which is twice as fast as for ten at a time.
  const choices = shows.flatMap((show) => pairsAcross([show])).slice(0, count);
  const loaded = await load({
    kind: 'closed loops',
    front: { kind: 'seatkeeper', origin: system.api, buyers },
    clients: buyers.length,
    choices,
    order: 'in turn',
    pays: false,
    warmUpMs: 0,
    measuredMs: withinMs,
  });
  sales.addAttempts(loaded.outcome.attempts, choices, buyers);
  expectNoFailures(loaded.outcome.attempts);
  return countOf(loaded.outcome.attempts, 'held');
}

/** Ids of those that are on sale. */
async function openShows({ api }: BenchContext): Promise<string[]> {
  const open: string[] = [];
  for (let cursor = ''; ;) {
    const page = await api.expect(200, 'GET', `/shows?limit=100${cursor}`);
    const shows = page.items as { id: string; status: string }[];
    open.push(...shows.flatMap(({ id, status }) => (status === 'ON_SALE' ? [id] : [])));
    if (page.nextCursor === null) return open;
    cursor = `&cursor=${encodeURIComponent(page.nextCursor as string)}`;
  }
}

const cancelShow = ({ api, system }: BenchContext, showId: string): Promise<unknown> =>
  api.expect(202, 'POST', `/admin/shows/${showId}/cancel`, system.staffToken, { reason: 'A benchmark' });
