import { cpuBetween } from '../process-costs.ts';
import { closedLoops, perOperation, type Scenario } from '../scenario.ts';
import { newShow } from '../shows.ts';
import { quantile } from '../statistics.ts';

const CLIENTS = 64;
const SHOWS = 4;
const WARM_UP_MS = 5_000;
const MEASURED_MS = 20_000;

/** Hold, pay, confirmed: two seats a booking, four shows, and every answer means that it is durable. */
export const confirmedBookings: Scenario = {
  name: 'confirmed-bookings',
  what: `${CLIENTS} clients in closed loops on ${SHOWS} shows: hold two seats, pay, confirmed; ${MEASURED_MS / 1_000} s after ${WARM_UP_MS / 1_000} s of warm-up`,
  floors: [
    { figure: 'confirmed bookings', unit: '/s', least: { dev: 30, server: 45 } },
    { figure: 'hold, p99', unit: 'ms' },
    { figure: 'payment to confirmed, p99', unit: 'ms' },
    { figure: 'CPU per booking', unit: 'ms' },
  ],
  async run({ api, system, costs }) {
    const shows = await Promise.all(Array.from({ length: SHOWS }, () => newShow(api, system.staffToken, 3_000)));
    const buyers = await api.guests(CLIENTS);
    const choices = shows.flatMap((show) => show.pairs.map((seatIds) => ({ showId: show.id, seatIds })));
    // Neighbouring choices go to different shows, as buyers of different shows come in any order.
    const queue = choices.sort((a, b) => (a.seatIds[0] < b.seatIds[0] ? -1 : 1)).values();
    const done: { atMs: number; holdMs: number; payMs: number }[] = [];
    const refused: string[] = [];
    const startMs = Date.now() + WARM_UP_MS;
    let before = costs();
    setTimeout(() => (before = costs()), WARM_UP_MS);

    await closedLoops(CLIENTS, startMs + MEASURED_MS, async (number) => {
      const { value: choice } = queue.next();
      if (!choice) throw new Error('the shows are sold out before the time is up');
      const held = await api.call('POST', '/bookings', buyers[number], choice);
      if (held.status !== 201) return void refused.push(`hold ${held.status} ${String(held.body.code)}`);
      const path = `/bookings/${held.body.id as string}/payment`;
      const paid = await api.call('POST', path, buyers[number], { method: 'card', token: 'tok_ok' });
      if (paid.body.status !== 'CONFIRMED')
        return void refused.push(`payment ${paid.status} ${String(paid.body.code)}`);
      done.push({ atMs: Date.now(), holdMs: held.ms, payMs: paid.ms });
    });

    const measured = done.filter(({ atMs }) => atMs >= startMs && atMs < startMs + MEASURED_MS);
    const cpuMs = perOperation(cpuBetween(before, costs()), measured.length);
    if (refused.length > 0) process.stderr.write(`refused: ${refused.length}, the first: ${refused[0]}\n`);
    return {
      figures: {
        'confirmed bookings': measured.length / (MEASURED_MS / 1_000),
        'hold, p99': quantile(
          measured.map(({ holdMs }) => holdMs),
          0.99,
        ),
        'payment to confirmed, p99': quantile(
          measured.map(({ payMs }) => payMs),
          0.99,
        ),
        'CPU per booking': Object.values(cpuMs).reduce((sum, ms) => sum + ms, 0),
      },
      cpuMsPerOperation: cpuMs,
    };
  },
};
