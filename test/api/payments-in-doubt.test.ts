import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { TestProcess } from '../setup/process.ts';
import { netCaptured, openShow } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { type ApiClient, eventually, newGuest, newKey } from './http-client.ts';

/**
 * A provider has the money, and those who were to hear of it are dead or stand still until the hold is over: what the
 * buyer is told is true also when everything has come to its end.
 */
const DEADLINE_SECONDS = 6;
const system = useTestSystem({
  apis: 1,
  workers: 0,
  settings: {
    HOLD_TTL_SECONDS: '4',
    PAYMENT_DEADLINE_SECONDS: String(DEADLINE_SECONDS),
    // Nobody hears of the money but by asking.
    PAYMENT_WEBHOOK_URL: 'http://127.0.0.1:9',
  },
});
const PATIENCE_MS = 90_000;

const until = (time: number): Promise<unknown> => delay(Math.max(0, time - Date.now()));

/** The answer of a client that repeats its key as long as it is told to; in between only what says that nobody knows. */
async function settledAnswer(buyer: ApiClient, bookingId: string, token: string, key: string) {
  const answer = await eventually(
    () => buyer.pay(bookingId, token, key),
    ({ status, body }) => {
      if (status === 504) expect(body.code).toBe('TIMEOUT');
      return status !== 504;
    },
  );
  return { status: answer.status, bookingStatus: answer.body.status };
}

async function newHold() {
  const buyer = await newGuest(system.apiUrls[0]!);
  const show = await openShow(system);
  return { buyer, booking: await buyer.held(show.id, ['A1']), key: newKey() };
}

test(
  'a payment that only a dead worker knows of is not refused because its hold has expired since',
  async () => {
    const interrupt = { INTERRUPT_AT: 'after chargePayment', INTERRUPT_BY: 'SIGKILL' };
    const doomed = new TestProcess('doomed worker', ['test/setup/interrupted-worker.ts'], {
      ...system.env,
      ...interrupt,
    });
    const next = new TestProcess('next worker', ['src/main/worker.ts'], system.env);
    try {
      await doomed.start();
      const { buyer, booking, key } = await newHold();
      const first = buyer.pay(booking.id, 'tok_ok', key);
      await doomed.exited();
      expect(await netCaptured(system, booking.id)).toBe(25_000);
      await until(Date.parse(booking.expiresAt!) + 500);
      await next.start();
      expect((await first).status).toBe(504);
      const settled = await settledAnswer(buyer, booking.id, 'tok_ok', key);
      expect(settled).toEqual({ status: 200, bookingStatus: 'CONFIRMED' });
      expect(await netCaptured(system, booking.id)).toBe(25_000);
    } finally {
      await Promise.all([doomed.kill(), next.kill()]);
    }
  },
  PATIENCE_MS,
);

test(
  'a payment whose booking has ended before it could be answered is not said to be pending',
  async () => {
    const worker = new TestProcess('worker', ['src/main/worker.ts'], system.env);
    try {
      await worker.start();
      const { buyer, booking, key } = await newHold();
      const first = buyer.pay(booking.id, 'tok_timeout_charged', key);
      await eventually(
        () => netCaptured(system, booking.id),
        (captured) => captured > 0,
      );
      // And nobody can ask what became of it.
      system.simulator.signal('SIGSTOP');
      // Its booking has heard of it by now: the deadline is no later.
      const deadlineMs = Date.now() + DEADLINE_SECONDS * 1_000;
      // That its outcome is unknown cannot be recorded before its deadline.
      await system.db.transaction().execute(async (trx) => {
        await trx.selectFrom('bookings').select('id').where('id', '=', booking.id).forUpdate().execute();
        // A transaction that does nothing for long is ended.
        while (Date.now() < deadlineMs + 500) await trx.selectNoFrom(sql`pg_sleep(0.5)`.as('slept')).execute();
      });
      const { status, body } = await first;
      expect([status, body.code]).toEqual([504, 'TIMEOUT']);
      system.simulator.signal('SIGCONT');
      const settled = await settledAnswer(buyer, booking.id, 'tok_timeout_charged', key);
      expect(settled).toEqual({ status: 200, bookingStatus: 'CONFIRMED' });
      expect(await netCaptured(system, booking.id)).toBe(25_000);
    } finally {
      system.simulator.signal('SIGCONT');
      await worker.kill();
    }
  },
  PATIENCE_MS,
);
