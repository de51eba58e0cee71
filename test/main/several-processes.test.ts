import { setTimeout as delay } from 'node:timers/promises';
import { auditShow } from '../../src/cli/audit.ts';
import type { BookingBody } from '../../src/contracts/http/bookings.ts';
import { type ApiClient, type HttpAnswer, newGuest, newKey } from '../api/http-client.ts';
import { eventually } from '../setup/eventually.ts';
import { openShow, rowsOfSeats } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';

// No hold and no payment ends while its buyer insists: later than that it is refused, as it should be.
const settings = { HOLD_TTL_SECONDS: '600', PAYMENT_DEADLINE_SECONDS: '120' };
const system = useTestSystem({ apis: 2, workers: 2, settings });

const BUYERS = 64;
const [ROWS, SEATS_PER_ROW] = [24, 10];
/** Bookings that buyers have seen confirmed when an API process and a worker are killed: a quarter of all. */
const KILL_AFTER = 30;
const REPEAT_AFTER_MS = 100;
/** A worker's death takes seconds to heal, and a machine may have other things to do. */
const PATIENCE_MS = 60_000;

/** Pairs from the rows' ends on: no choice of them leaves a seat alone. */
const pairs = Array.from({ length: ROWS }, (_, row) =>
  Array.from({ length: SEATS_PER_ROW / 2 }, (_unused, pair) => {
    const name = String.fromCharCode(65 + row);
    return [`${name}${2 * pair + 1}`, `${name}${2 * pair + 2}`];
  }),
).flat();

/** Repeats with the same key, at one process and then the other, what was not answered or not decided. */
async function insisting<Body>(ask: (url: string) => Promise<HttpAnswer<Body>>): Promise<HttpAnswer<Body>> {
  const deadlineMs = Date.now() + PATIENCE_MS;
  for (let turn = Math.floor(Math.random() * 2); ; turn++) {
    const answer = await ask(system.apiUrls[turn % 2]!).catch(() => null);
    if (answer !== null && answer.status < 500) return answer;
    if (Date.now() > deadlineMs) throw new Error(`no answer in time; the last: ${JSON.stringify(answer?.body)}`);
    await delay(REPEAT_AFTER_MS);
  }
}

/** What a buyer was told, in the end: the booking as it is, where the payment goes on. */
async function paidFor(buyer: ApiClient, { id }: BookingBody): Promise<BookingBody> {
  const key = newKey();
  const { status, body } = await insisting((url) => buyer.at(url).pay(id, 'tok_ok', key));
  if (status === 200) return body;
  expect(status).toBe(202);
  return eventually(async () => {
    const found = (await insisting((url) => buyer.at(url).get<BookingBody>(`/bookings/${id}`))).body;
    expect(found.status).not.toBe('PAYMENT_PENDING');
    return found;
  }, PATIENCE_MS);
}

test('two API processes and two workers sell one show; one of each is killed, and nothing sold is lost or sold twice', async () => {
  const show = await openShow(system, { plan: rowsOfSeats(ROWS, SEATS_PER_ROW) });
  const buyers = await Promise.all(
    Array.from({ length: BUYERS }, (_, number) => newGuest(system.apiUrls[number % 2]!)),
  );
  const left = new Set(pairs);
  const confirmed = new Map<string, BookingBody>();
  const killing = Promise.withResolvers<void>();

  const buy = async (buyer: ApiClient): Promise<void> => {
    while (left.size > 0) {
      const pair = [...left][Math.floor(Math.random() * left.size)]!;
      const key = newKey();
      const held = await insisting((url) => buyer.at(url).hold(show.id, pair, key));
      if (held.status === 201) {
        const paid = await paidFor(buyer, held.body);
        expect(paid.status).toBe('CONFIRMED');
        confirmed.set(paid.id, paid);
        left.delete(pair);
      } else {
        expect(held.status).toBe(409);
        await delay(REPEAT_AFTER_MS);
      }
      if (confirmed.size >= KILL_AFTER) killing.resolve();
    }
  };
  const kill = async (): Promise<void> => {
    await killing.promise;
    await Promise.all([system.apis[0]!.kill(), system.workers[0]!.kill()]);
  };
  await Promise.all([kill(), ...buyers.map(buy)]);

  const told = [...confirmed.values()].flatMap(({ seats }) => seats.map((seat) => seat.id));
  expect(told.toSorted()).toEqual(pairs.flat().toSorted());
  const sources = {
    ...{ db: system.db, temporal: system.temporal },
    ...{ api: system.apiUrls[1]!, paymentSimulator: system.simulatorUrl },
  };
  const audit = await eventually(async () => {
    const found = await auditShow(sources, show.id);
    expect(found.differences).toEqual([]);
    return found;
  }, PATIENCE_MS);
  expect(audit.confirmed).toEqual(new Set(confirmed.keys()));
  expect(audit.figures.seatsSold).toEqual(
    Object.fromEntries(['bookings', 'rows', 'workflow', 'api'].map((record) => [record, pairs.length * 2])),
  );
}, 180_000);
