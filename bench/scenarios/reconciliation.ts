import { setTimeout as delay } from 'node:timers/promises';
import type { ReconciliationBody, ReconciliationFindingPageBody } from '../../src/contracts/http/reconciliation.ts';
import type { Booking } from '../../src/domain/booking.ts';
import { newId } from '../../src/platform/ids.ts';
import { processCosts } from '../process-costs.ts';
import { openDatabase } from '../running-system.ts';
import type { BenchContext, Scenario } from '../scenario.ts';
import { sellHouse } from '../sold-house.ts';

export const RECONCILED = 100_000;
const SEATS_OF_SHOW = 10_000;
const HOUSES_SOLD_AT_ONCE = 2;
/** What is younger is not judged: no longer to wait for than needed. */
const GRACE_SECONDS = 1;
const LOOK_EVERY_MS = 250;
const WITHIN_MS = 300_000;
/** So many, and it shows whether a run leaves anything behind. */
const RUNS_AGAIN = 3;
/** Of a worker that has 250 before it. */
const PEAK_MEBIBYTES_MAX = 600;
/** What V8 has not given back yet; a run that kept a tenth of what it looks at would add as much each time. */
const GROWTH_MEBIBYTES_MAX = 64;
/** Rows taken away, one a booking. */
const ROWS_MISSING = 3;
/** Charges that nobody knows of. */
const CHARGES_TOO_MANY = 2;

/** A window with so many bookings, of which all but five are in order, compared in all four records. */
export const reconciliation = (bookings = RECONCILED): Scenario => ({
  name: 'reconciliation',
  what: `${bookings.toLocaleString('en')} confirmed bookings of a seat each, in shows of ${SEATS_OF_SHOW.toLocaleString('en')}, and ${ROWS_MISSING + CHARGES_TOO_MANY} differences among them: one run of reconciliation over all of them, found and settled`,
  profiles: ['server'],
  runsMax: 1,
  settings: { RECONCILIATION_GRACE_SECONDS: String(GRACE_SECONDS), RECONCILIATION_SCHEDULE: 'off' },
  figures: [
    { figure: 'run', unit: 's', better: 'less', floor: 60 },
    { figure: 'bookings', unit: '/s', better: 'more', floor: 100_000 / 60 },
    { figure: 'differences found', unit: '' },
    { figure: 'memory of the worker, before', unit: 'MiB' },
    { figure: 'peak over a tenth of the window', unit: 'MiB' },
    { figure: 'peak over the window', unit: 'MiB', better: 'less', floor: PEAK_MEBIBYTES_MAX },
    { figure: 'peak of the last run more than of the first', unit: 'MiB', better: 'less', floor: GROWTH_MEBIBYTES_MAX },
  ],
  async run(context) {
    const fromMs = Date.now();
    const sold = await sellHouses(context, bookings);
    const planted = await plant(context, sold);
    await delay(GRACE_SECONDS * 2_000);
    const toMs = Date.now();
    const tenth = await watchRun(context, {
      from: iso(fromMs),
      to: iso(fromMs + (toMs - fromMs) / 10),
      dryRun: true,
    });
    const window = { from: iso(fromMs), to: iso(toMs) };
    const measured = await watchRun(context, { ...window, repair: true });
    const peaks = [measured.peak];
    for (let run = 0; run < RUNS_AGAIN; run++) {
      peaks.push((await watchRun(context, { ...window, dryRun: true })).peak);
    }
    const { found } = measured.run.counts;
    if (found !== planted)
      throw new Error(`${planted} differences were planted, ${found} found: ${await first(context, measured.run)}`);
    return {
      figures: {
        run: measured.tookMs / 1_000,
        bookings: bookings / (measured.tookMs / 1_000),
        'differences found': found,
        'memory of the worker, before': mebibytes(tenth.before),
        'peak over a tenth of the window': mebibytes(tenth.peak),
        'peak over the window': mebibytes(Math.max(...peaks)),
        'peak of the last run more than of the first': mebibytes(peaks.at(-1)! - peaks[0]!),
      },
    };
  },
});

const iso = (timeMs: number): string => new Date(timeMs).toISOString();
const mebibytes = (bytes: number): number => bytes / 1024 / 1024;

async function sellHouses({ system, api, boxOffice }: BenchContext, count: number): Promise<Booking[]> {
  const houses = Array.from({ length: Math.ceil(count / SEATS_OF_SHOW) }, (_, place) =>
    Math.min(SEATS_OF_SHOW, count - place * SEATS_OF_SHOW),
  );
  const sold: Booking[] = [];
  const queue = houses.values();
  const lane = async () => {
    for (const seats of queue) {
      sold.push(...(await sellHouse(system, api, await boxOffice.newShow(SEATS_OF_SHOW), seats)));
    }
  };
  await Promise.all(Array.from({ length: HOUSES_SOLD_AT_ONCE }, lane));
  return sold;
}

/** Gives how many differences there are. */
async function plant({ system }: BenchContext, sold: readonly Booking[]): Promise<number> {
  const db = openDatabase(system, 1);
  const step = Math.floor(sold.length / (ROWS_MISSING + CHARGES_TOO_MANY));
  try {
    for (let place = 0; place < ROWS_MISSING; place += 1) {
      await db
        .deleteFrom('booked_seats')
        .where('booking_id', '=', sold[place * step]!.id)
        .where('show_id', '=', sold[place * step]!.showId)
        .execute();
    }
    for (let place = ROWS_MISSING; place < ROWS_MISSING + CHARGES_TOO_MANY; place += 1) {
      const { id: bookingId, price } = sold[place * step]!;
      const response = await fetch(`${system.paymentSimulator}/v1/simulator/charges`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': newId('pay') },
        body: JSON.stringify({ bookingId, amount: price.total, method: 'card', token: 'tok_ok' }),
      });
      if (!response.ok) throw new Error(`a charge was answered ${response.status}`);
    }
  } finally {
    await db.destroy();
  }
  return ROWS_MISSING + CHARGES_TOO_MANY;
}

interface WatchedRun {
  readonly run: ReconciliationBody;
  readonly tookMs: number;
  /** Resident bytes of the worker: before, and at most. */
  readonly before: number;
  readonly peak: number;
}

async function watchRun(
  { api, system }: BenchContext,
  window: { readonly from: string; readonly to: string; readonly repair?: boolean; readonly dryRun?: boolean },
): Promise<WatchedRun> {
  const resident = () => processCosts(system.pid).residentBytes.worker;
  const before = resident();
  let peak = before;
  const startedAtMs = Date.now();
  const token = system.staffToken;
  let run = (await api.expect(202, 'POST', '/admin/reconciliations', token, window)) as unknown as ReconciliationBody;
  while (run.status === 'RUNNING' && Date.now() - startedAtMs < WITHIN_MS) {
    await delay(LOOK_EVERY_MS);
    run = (await api.expect(200, 'GET', `/admin/reconciliations/${run.id}`, token)) as unknown as ReconciliationBody;
    peak = Math.max(peak, resident());
  }
  if (run.status !== 'COMPLETED') throw new Error(`the run is ${run.status}: ${run.stoppedBecause}`);
  return { run, tookMs: Date.now() - startedAtMs, before, peak };
}

async function first({ api, system }: BenchContext, { id }: ReconciliationBody): Promise<string> {
  const page = await api.expect(200, 'GET', `/admin/reconciliations/${id}/findings?limit=10`, system.staffToken);
  return (page as unknown as ReconciliationFindingPageBody).items
    .map((finding) => `${finding.class} ${finding.subject} ${finding.detail}`)
    .join('; ');
}
