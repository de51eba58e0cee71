import type { Scenario } from '../scenario.ts';
import { median } from '../statistics.ts';

const BOOKINGS = 60;
const WARM_UP = 10;

/** One buyer at a time: what the path costs when nobody else is there. */
export const unloaded: Scenario = {
  name: 'unloaded',
  what: `${BOOKINGS} bookings one after the other by one client, two seats each, provider without latency`,
  profiles: ['server', 'dev'],
  figures: [
    { figure: 'hold, median', unit: 'ms', better: 'less', floor: 30 },
    { figure: 'payment to confirmed, median', unit: 'ms', better: 'less', floor: 150 },
  ],
  async run({ api, boxOffice, sales }) {
    const show = await boxOffice.newShow(1_000);
    const [buyer] = await api.guests(1);
    const holds: number[] = [];
    const payments: number[] = [];
    for (const seatIds of show.pairs.slice(0, WARM_UP + BOOKINGS)) {
      const held = await api.call('POST', '/bookings', buyer, { showId: show.id, seatIds });
      if (held.status !== 201) throw new Error(`a hold was answered ${held.status}: ${JSON.stringify(held.body)}`);
      const path = `/bookings/${held.body.id as string}/payment`;
      const paid = await api.call('POST', path, buyer, { method: 'card', token: 'tok_ok' });
      if (paid.body.status !== 'CONFIRMED') throw new Error(`a payment was answered ${JSON.stringify(paid.body)}`);
      sales.granted({ bookingId: held.body.id as string, showId: show.id, seats: seatIds, told: 'confirmed', buyer });
      holds.push(held.ms);
      payments.push(paid.ms);
    }
    return {
      figures: {
        'hold, median': median(holds.slice(WARM_UP)),
        'payment to confirmed, median': median(payments.slice(WARM_UP)),
      },
    };
  },
};
