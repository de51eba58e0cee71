import { costsPerOperation } from '../costs.ts';
import type { Attempt } from '../load/attempt.ts';
import { countOf, dueWithin, endedWithin, holdQuantile, payQuantile } from '../sales-figures.ts';
import type { Point, Scenario } from '../scenario.ts';
import { type BenchShow, pairsAcross } from '../shows.ts';
import { quantile } from '../statistics.ts';
import { SHARE_OF_PEAK } from './paced-sale.ts';
import { SEATS_PER_SHOW, SHOWS } from './sell-out.ts';

const TIMES_TOO_MANY = 10;
const WARM_UP_MS = 5_000;
const BEFORE_MS = 15_000;
const OVERLOAD_MS = 60_000;
const SETTLING_MS = 10_000;
const AFTER_MS = 15_000;
const BUYERS = 256;
/** Seats for all holds that can be granted in the time; those that are refused are offered again. */
const SHOWS_IN_ALL = 24;
const PLOT_EVERY_MS = 2_000;

const [OVERLOAD_AT, SETTLING_AT] = [BEFORE_MS, BEFORE_MS + OVERLOAD_MS];
const AFTER_AT = SETTLING_AT + SETTLING_MS;
const END_AT = AFTER_AT + AFTER_MS;

/** W7. Ten times too many come for a minute: some are served well, the others are told so at once, and then all is as before. */
export const overload: Scenario = {
  name: 'overload',
  what: `W7: W4 for ${BEFORE_MS / 1_000} s, then ${TIMES_TOO_MANY} times its rate for ${OVERLOAD_MS / 1_000} s, then W4 again, measured ${SETTLING_MS / 1_000} s later for ${AFTER_MS / 1_000} s; who holds seats asks again for a payment that is refused for the time being`,
  profiles: ['server'],
  figures: [
    { figure: 'buyers in overload', unit: '/s' },
    { figure: 'goodput in overload', unit: '/s' },
    { figure: 'goodput ÷ peak', unit: '', better: 'more', floor: 0.8 },
    { figure: 'refused with 429 or 503', unit: '/s' },
    { figure: 'refusal, p99', unit: 'ms', better: 'less', floor: 1_000 },
    { figure: 'hold granted in overload, p99', unit: 'ms' },
    { figure: 'payment in overload, p99', unit: 'ms' },
    { figure: 'held, and refused to pay', unit: '', better: 'less', floor: 0, everyRun: true },
    { figure: 'answered otherwise, or not', unit: '', better: 'less', floor: 0, everyRun: true },
    { figure: 'hold before, p99', unit: 'ms' },
    { figure: 'hold after, p99', unit: 'ms' },
    { figure: 'free seats refused', unit: '', better: 'less', floor: 0, everyRun: true },
    { figure: 'refused after', unit: '', better: 'less', floor: 0, everyRun: true },
    { figure: 'hold after ÷ before, p99', unit: '', better: 'less', floor: 2 },
    { figure: 'payment after ÷ before, p99', unit: '', better: 'less', floor: 2 },
  ],
  async run({ api, boxOffice, load, peak, run, sales, system }) {
    const peakPerSecond = await peak();
    const usual = SHARE_OF_PEAK * peakPerSecond;
    const stages = [
      { ratePerSecond: usual, forMs: WARM_UP_MS },
      { ratePerSecond: usual, forMs: BEFORE_MS },
      { ratePerSecond: TIMES_TOO_MANY * usual, forMs: OVERLOAD_MS },
      { ratePerSecond: usual, forMs: SETTLING_MS + AFTER_MS },
    ];
    const choices = fourAtATime(await boxOffice.newShows(SHOWS_IN_ALL, SEATS_PER_SHOW));
    const buyers = await api.guests(BUYERS);
    const front = { kind: 'seatkeeper', origin: system.api, buyers } as const;
    const loaded = await load({ kind: 'arrivals', front, choices, pays: true, stages, seed: run + 1 });
    const { attempts } = loaded.outcome;
    sales.addAttempts(attempts, choices, buyers);
    tellFailures(attempts);
    const [before, during, after] = [
      dueWithin(attempts, 0, OVERLOAD_AT),
      dueWithin(attempts, OVERLOAD_AT, SETTLING_AT),
      dueWithin(attempts, AFTER_AT, END_AT),
    ];
    const goodput = countOf(endedWithin(attempts, OVERLOAD_AT, SETTLING_AT), 'confirmed') / (OVERLOAD_MS / 1_000);
    return {
      figures: {
        'buyers in overload': during.length / (OVERLOAD_MS / 1_000),
        'goodput in overload': goodput,
        'goodput ÷ peak': goodput / peakPerSecond,
        'refused with 429 or 503': countOf(during, 'overloaded') / (OVERLOAD_MS / 1_000),
        'refusal, p99': refusalQuantile(during, 0.99),
        'hold granted in overload, p99': holdQuantile(during, 0.99),
        'payment in overload, p99': payQuantile(during, 0.99),
        'held, and refused to pay': attempts.filter(({ bookingId, end }) => bookingId !== null && end === 'overloaded')
          .length,
        'answered otherwise, or not': countOf(attempts, 'failed'),
        'hold before, p99': holdQuantile(before, 0.99),
        'hold after, p99': holdQuantile(after, 0.99),
        'free seats refused': countOf(attempts, 'taken'),
        'refused after': countOf(after, 'overloaded'),
        'hold after ÷ before, p99': holdQuantile(after, 0.99) / holdQuantile(before, 0.99),
        'payment after ÷ before, p99': payQuantile(after, 0.99) / payQuantile(before, 0.99),
      },
      costs: costsPerOperation(loaded, countOf(dueWithin(attempts, 0, Infinity), 'confirmed')),
      points: overTime(attempts),
    };
  },
};

/** As W1 sells them; sold out, the next four follow. */
function fourAtATime(shows: readonly BenchShow[]) {
  const groups = Array.from({ length: shows.length / SHOWS }, (_, group) =>
    shows.slice(group * SHOWS, (group + 1) * SHOWS),
  );
  return groups.flatMap(pairsAcross);
}

/** From when a buyer came to the answer that refused the hold. */
const refusalQuantile = (attempts: readonly Attempt[], share: number): number =>
  quantile(
    attempts.flatMap(({ bookingId, end, holdMs }) => (end === 'overloaded' && bookingId === null ? [holdMs] : [])),
    share,
  );

function tellFailures(attempts: readonly Attempt[]): void {
  const reasons = Map.groupBy(
    attempts.filter(({ failure }) => failure !== null),
    ({ failure }) => failure!,
  );
  for (const [reason, { length }] of reasons) process.stderr.write(`${length} times: ${reason}\n`);
}

function overTime(attempts: readonly Attempt[]): Point[] {
  return Array.from({ length: END_AT / PLOT_EVERY_MS }, (_, slot) => {
    const [fromMs, untilMs] = [slot * PLOT_EVERY_MS, (slot + 1) * PLOT_EVERY_MS];
    const x = untilMs / 1_000;
    const perSecond = (count: number): number => count / (PLOT_EVERY_MS / 1_000);
    const ended = endedWithin(attempts, fromMs, untilMs);
    return [
      { line: 'buyers', x, y: perSecond(dueWithin(attempts, fromMs, untilMs).length) },
      { line: 'confirmed', x, y: perSecond(countOf(ended, 'confirmed')) },
      { line: 'refused (429, 503)', x, y: perSecond(countOf(ended, 'overloaded')) },
      { line: 'hold, p99', x, y: holdQuantile(dueWithin(attempts, fromMs, untilMs), 0.99) },
    ];
  }).flat();
}
