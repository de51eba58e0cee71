import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { bookingEvent } from '../../src/contracts/events.ts';
import { isoTime } from '../../src/contracts/http/primitives.ts';
import { newId } from '../../src/platform/ids.ts';
import type { ReadModel } from '../../src/read-model/database.ts';
import { costsPerOperation } from '../costs.ts';
import { Partner } from '../partners.ts';
import { cpuBetween, processCosts } from '../process-costs.ts';
import { openDatabase, type RunningSystem } from '../running-system.ts';
import type { BenchContext, Scenario } from '../scenario.ts';

const BOOKINGS = 5_000;
const EVENTS_PER_BOOKING = 4;
const EVENTS = BOOKINGS * EVENTS_PER_BOOKING;
const WRITTEN_AT_ONCE = 1_000;
const IDLE_MS = 10_000;
/** At a tenth of the floor. */
const DONE_WITHIN_MS = EVENTS * 10;
const LOOK_EVERY_MS = 50;

/** Events to two consumers that are as far away as any: partners' servers, over HTTP, each message signed. */
export const outboxRelay: Scenario = {
  name: 'outbox-relay',
  what: `${EVENTS.toLocaleString('en')} events of ${BOOKINGS.toLocaleString('en')} bookings that wait in the outbox, handed to two partners' endpoints by one relay: signed, over HTTP, those of a booking in order; before that, ${IDLE_MS / 1_000} s in which there is nothing to do`,
  profiles: ['dev'],
  // A second one would come to a relay that still clears away the memory of the first, and has its dead partners.
  runsMax: 1,
  settings: { WEBHOOK_PRIVATE_TARGETS: 'allowed' },
  figures: [
    { figure: 'events to both', unit: '/s', better: 'more', floor: 1_000 },
    { figure: 'messages', unit: '/s', better: 'more', floor: 2_000 },
    { figure: 'relay without work', unit: 'ms CPU/s', better: 'less', floor: 10 },
  ],
  async run({ api, system }: BenchContext) {
    const partners = [new Partner(), new Partner()];
    const db = openDatabase(system, 2);
    try {
      for (const partner of partners) {
        const endpoint = { url: await partner.listen(), eventTypes: ['booking.held'] };
        await api.expect(201, 'POST', '/admin/webhook-endpoints', system.staffToken, endpoint);
      }
      const idleCpuMs = await idle(system);
      const before = processCosts(system.pid);
      const startedAtMs = Date.now();
      await writeEvents(db);
      while (partners.some(({ received }) => received < EVENTS)) {
        if (Date.now() - startedAtMs > DONE_WITHIN_MS) throw new Error(`only ${partners[0]!.received} have come`);
        await delay(LOOK_EVERY_MS);
      }
      const seconds = (Date.now() - startedAtMs) / 1_000;
      const after = processCosts(system.pid);
      for (const { fault } of partners) if (fault !== null) throw new Error(fault);
      return {
        figures: {
          'events to both': EVENTS / seconds,
          messages: (EVENTS * partners.length) / seconds,
          'relay without work': idleCpuMs / (IDLE_MS / 1_000),
        },
        costs: costsPerOperation({ before, after, generatorCpuMs: 0 }, EVENTS * partners.length),
      };
    } finally {
      await db.destroy();
      for (const partner of partners) partner.close();
    }
  },
};

async function idle({ pid }: RunningSystem): Promise<number> {
  const before = processCosts(pid);
  await delay(IDLE_MS);
  return cpuBetween(before, processCosts(pid)).relay;
}

/** All of them in a second or so: the relay works through them meanwhile. */
async function writeEvents(db: ReadModel): Promise<void> {
  const bookingIds = Array.from({ length: BOOKINGS }, () => newId('bkg'));
  for (let round = 0; round < EVENTS_PER_BOOKING; round++) {
    for (let first = 0; first < BOOKINGS; first += WRITTEN_AT_ONCE) {
      const rows = bookingIds.slice(first, first + WRITTEN_AT_ONCE).map((bookingId) => ({
        bookingId,
        ...bookingEvent('booking.held', { bookingId, showId: 'shw_bench', expiresAt: isoTime(Date.now()) }),
      }));
      await sql`
        insert into outbox (booking_id, type, payload)
        select "bookingId", type, payload
        from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as event ("bookingId" text, type text, payload jsonb)`.execute(
        db,
      );
    }
  }
}
