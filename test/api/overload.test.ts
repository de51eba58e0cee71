import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { tooBusy, TooBusyError } from '../../src/api/http/api-error.ts';
import { createBatches } from '../../src/api/batches.ts';
import { PaymentDesk } from '../../src/api/payments/payment-desk.ts';
import { OutcomeUnknownError } from '../../src/contracts/workflow-client.ts';
import { findPaymentFate, findPayments, refuseUnsentPayment } from '../../src/read-model/payments.ts';
import { openShow } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { type ApiClient, eventually, newGuest, newKey } from './http-client.ts';

const faultsDir = mkdtempSync(join(tmpdir(), 'seatkeeper-faults-'));
const system = useTestSystem({
  apis: 1,
  apiEntry: 'test/api/mortal-api.ts',
  settings: { FAULTS_DIR: faultsDir },
});
afterAll(() => rmSync(faultsDir, { recursive: true }));
const url = (): string => system.apiUrls[0]!;
/** A worker that was replaced answers sooner; who comes after that is not made to wait ten seconds for a 504. */
const STANDSTILL_MS = 4_000;

/** Sends a hold that nobody answers; resolves when its show has owed an answer for too long. */
async function standstill(buyer: ApiClient, showId: string) {
  writeFileSync(join(faultsDir, 'stand-before-seatCommand'), '');
  let isAnswered = false;
  const first = buyer.hold(showId, ['A1']).finally(() => (isAnswered = true));
  const standing = join(faultsDir, 'standing-before-seatCommand');
  await eventually(
    () => Promise.resolve(existsSync(standing)),
    (isThere) => isThere,
  );
  // From here on the show is being asked, however long the request took to come so far.
  rmSync(standing);
  await delay(STANDSTILL_MS + 500);
  return { first, isAnswered: () => isAnswered };
}

test('a show that nobody works for refuses new holds at once, and grants them again when somebody does', async () => {
  const show = await openShow(system);
  const buyer = await newGuest(url());
  system.workers[0]!.signal('SIGSTOP');
  try {
    const { first, isAnswered } = await standstill(buyer, show.id);
    const refused = await buyer.hold(show.id, ['A2']);
    expect(isAnswered()).toBe(false);
    expect([refused.status, refused.body.code]).toEqual([503, 'UNAVAILABLE']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    system.workers[0]!.signal('SIGCONT');
    await first;
  } finally {
    system.workers[0]!.signal('SIGCONT');
  }
  const again = await eventually(
    () => buyer.hold(show.id, ['A2']),
    ({ status }) => status !== 503,
  );
  expect(again.status).toBe(201);
}, 60_000);

test('an overload is one line a second in the log, not one for each who is refused', async () => {
  const show = await openShow(system);
  const buyer = await newGuest(url());
  system.workers[0]!.signal('SIGSTOP');
  try {
    const { first } = await standstill(buyer, show.id);
    const before = system.apis[0]!.log.length;
    const sentAtMs = performance.now();
    await Promise.all(Array.from({ length: 50 }, () => buyer.hold(show.id, ['A2'])));
    const { lines, told } = await eventually(
      () => {
        const logged = system.apis[0]!.log.slice(before).map((line) => JSON.parse(line) as LogLine);
        return Promise.resolve({ lines: logged, told: logged.filter(({ msg }) => msg.includes('were refused')) });
      },
      (logged) => logged.told.reduce((sum, { count }) => sum + count, 0) >= 50,
    );
    expect(told.reduce((sum, { count }) => sum + count, 0)).toBe(50);
    expect(told.length).toBeLessThanOrEqual((performance.now() - sentAtMs) / 1_000 + 1);
    expect(lines.filter(({ level }) => level >= 50)).toEqual([]);
    system.workers[0]!.signal('SIGCONT');
    await first;
  } finally {
    system.workers[0]!.signal('SIGCONT');
  }
}, 60_000);
interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly count: number;
}

describe('a payment for which there is no turn', () => {
  /** As the API has it, but that nobody gets a turn. */
  const busyDesk = (): PaymentDesk =>
    new PaymentDesk({
      batches: createBatches(system.db),
      workflows: system.workflows,
      admission: { pay: () => Promise.reject(tooBusy(1_000)) },
      nowMs: Date.now,
      findShow: () => Promise.resolve({ status: 'ON_SALE' }),
      findPayments: (ids) => findPayments(system.db, ids),
      findFate: (id) => findPaymentFate(system.db, id),
      refuseUnsent: (attemptId, reason) => refuseUnsentPayment(system.db, { attemptId, reason, atMs: Date.now() }),
    });
  const request = { method: 'card', token: 'tok_ok' } as const;

  async function heldBooking() {
    const show = await openShow(system);
    const buyer = await newGuest(url());
    const { id } = await buyer.held(show.id, ['A1']);
    const booking = (await createBatches(system.db).findBooking(id))!;
    const key = newKey();
    return { buyer, booking, key, answerKey: { scope: 'of no matter here', key, fingerprint: 'of no matter here' } };
  }

  test('leaves no attempt, and is refused as not charged', async () => {
    const { buyer, booking, answerKey } = await heldBooking();
    await expect(busyDesk().pay(booking, answerKey, request)).rejects.toThrow(TooBusyError);
    expect((await buyer.payment(booking.id)).attempts).toEqual([]);
  });

  test('is not said to be none if one of its key is under way', async () => {
    const { buyer, booking, key, answerKey } = await heldBooking();
    expect((await buyer.pay(booking.id, 'tok_pending', key)).status).toBe(202);
    await expect(busyDesk().pay(booking, answerKey, request)).rejects.toThrow(OutcomeUnknownError);
  });

  test('is refused as not charged if those of its key came to nothing', async () => {
    const { buyer, booking, key, answerKey } = await heldBooking();
    expect((await buyer.pay(booking.id, 'tok_down', key)).status).toBe(503);
    await expect(busyDesk().pay(booking, answerKey, request)).rejects.toThrow(TooBusyError);
  });
});
