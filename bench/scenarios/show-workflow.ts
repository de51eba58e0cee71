import { SEAT_COMMANDS_PER_BATCH_MAX } from '../../src/contracts/show-messages.ts';
import { costsPerOperation } from '../costs.ts';
import type { Scenario } from '../scenario.ts';
import { quantile } from '../statistics.ts';
import { ToldSales } from '../told-sales.ts';

const SEATS = 10;
const IN_FLIGHT = 4;
const WARM_UP_MS = 3_000;
const MEASURED_MS = 8_000;

/** W2 where the decision is made: what is left when HTTP, accounts and rows are taken away. */
export const showWorkflow: Scenario = {
  name: 'show-workflow',
  what: `W2 at the show workflow: updates of ${SEAT_COMMANDS_PER_BATCH_MAX} holds each for two seats, at random, of ten, ${IN_FLIGHT} in flight, straight through the Temporal client, no HTTP; ${MEASURED_MS / 1_000} s after ${WARM_UP_MS / 1_000} s of warm-up`,
  profiles: ['server'],
  figures: [
    { figure: 'hold decisions', unit: '/s', better: 'more', floor: 15_000, aim: 40_000 },
    { figure: 'update, median', unit: 'ms' },
    { figure: 'update, p99', unit: 'ms' },
  ],
  async run({ boxOffice, load, system }) {
    const show = await boxOffice.newRow(SEATS);
    const loaded = await load({
      kind: 'show batches',
      temporal: system.temporal,
      showId: show.id,
      seats: SEATS,
      inFlight: IN_FLIGHT,
      warmUpMs: WARM_UP_MS,
      measuredMs: MEASURED_MS,
    });
    const { decisions, granted, updatesMs } = loaded.outcome;
    expectNoSeatTwice(show.id, granted);
    return {
      figures: {
        'hold decisions': decisions / (MEASURED_MS / 1_000),
        'update, median': quantile(updatesMs, 0.5),
        'update, p99': quantile(updatesMs, 0.99),
      },
      costs: costsPerOperation(loaded, decisions),
    };
  },
};

/** These holds have no bookings behind them that the usual audit could find. */
function expectNoSeatTwice(
  showId: string,
  granted: readonly { readonly bookingId: string; readonly seats: readonly number[] }[],
): void {
  const sales = new ToldSales();
  for (const hold of granted) sales.granted({ ...hold, showId, told: 'held' });
  const [fault] = sales.faultsOf([], { holdsToo: false });
  if (fault !== undefined) throw new Error(fault);
  if (granted.length === 0) throw new Error('no hold was granted: nothing was decided');
}
