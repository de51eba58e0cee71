import { costsPerOperation } from '../costs.ts';
import type { Attempt } from '../load/attempt.ts';
import { countOf, expectNoFailures } from '../sales-figures.ts';
import type { BenchContext, Scenario } from '../scenario.ts';
import { pairsAcross } from '../shows.ts';
import { quantile } from '../statistics.ts';

const READERS = 64;
const SEATS = 3_000;
const READS_PER_CHANGE = 1_000;
const WARM_UP_MS = 3_000;
const MEASURED_MS = 8_000;

/** W3. A thousand looks at the map for each pair of seats that goes. */
export const mapReads: Scenario = {
  name: 'map-reads',
  what: `W3: ${READERS} readers in closed loops of the seat map of one show of ${SEATS} seats, a hold for each ${READS_PER_CHANGE} reads, one API process; with the tag of what they have (304 unless it changed), then without (the full map, compressed); each ${MEASURED_MS / 1_000} s after ${WARM_UP_MS / 1_000} s of warm-up`,
  profiles: ['server'],
  figures: [
    { figure: 'reads with a tag', unit: '/s', better: 'more', floor: 25_000, aim: 60_000 },
    { figure: 'of them full, 200', unit: '/s' },
    { figure: 'with a tag, p99', unit: 'ms' },
    { figure: 'reads of the full map', unit: '/s', better: 'more', floor: 25_000, aim: 60_000 },
    { figure: 'full, p99', unit: 'ms' },
    { figure: 'reads per change', unit: '', better: 'less', floor: 1_100 },
  ],
  async run(context) {
    const tagged = await read(context, true);
    const full = await read(context, false);
    return {
      figures: {
        'reads with a tag': tagged.perSecond,
        'of them full, 200': tagged.fullPerSecond,
        'with a tag, p99': tagged.p99Ms,
        'reads of the full map': full.perSecond,
        'full, p99': full.p99Ms,
        'reads per change': Math.max(tagged.readsPerChange, full.readsPerChange),
      },
      costs: tagged.costs,
    };
  },
};

/** Holds that changed the map while it was measured: those that could not keep up with the reads don't count. */
const answeredWithin = (attempts: readonly Attempt[]): Attempt[] =>
  attempts.filter(({ heldAtMs }) => heldAtMs >= 0 && heldAtMs < MEASURED_MS);

async function read({ api, boxOffice, load, sales, system }: BenchContext, conditional: boolean) {
  const show = await boxOffice.newShow(SEATS);
  const choices = pairsAcross([show]);
  const buyers = await api.guests(READERS);
  const loaded = await load({
    kind: 'map reads',
    front: { kind: 'seatkeeper', origin: system.api, buyers },
    showId: show.id,
    readers: READERS,
    conditional,
    choices,
    readsPerChange: READS_PER_CHANGE,
    warmUpMs: WARM_UP_MS,
    measuredMs: MEASURED_MS,
  });
  const { attempts, full, notModified, latenciesMs } = loaded.outcome;
  sales.addAttempts(attempts, choices, buyers);
  expectNoFailures(attempts);
  const reads = full + notModified;
  const changes = countOf(answeredWithin(attempts), 'held');
  return {
    perSecond: reads / (MEASURED_MS / 1_000),
    fullPerSecond: full / (MEASURED_MS / 1_000),
    p99Ms: quantile([...latenciesMs], 0.99),
    readsPerChange: reads / changes,
    costs: costsPerOperation(loaded, reads),
  };
}
