import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { ReconciliationResult } from '../../src/contracts/reconciliation.ts';
import { taskQueues } from '../../src/contracts/workflow-ids.ts';
import { asMade, type Booking } from '../../src/domain/booking.ts';
import { newId } from '../../src/platform/ids.ts';
import { recordConfirmations } from '../../src/read-model/booking-records.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { chargeAtProvider, seatsAt } from '../setup/bookings.ts';
import { eventually } from '../setup/eventually.ts';
import { openShow, rowsOfSeats } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';

const system = useTestSystem({
  workerEntry: 'test/setup/weighed-worker.ts',
  settings: { RECONCILIATION_GRACE_SECONDS: '0.5' },
});

const ROWS = 30;
const SEATS_PER_ROW = 50;
const BOOKINGS = ROWS * SEATS_PER_ROW;
const RECORDED_AT_ONCE = 500;
const CHARGES_AT_ONCE = 16;
/** What is there after the first runs stays: code, connections, caches. */
const RUNS_BEFORE = 2;
const RUNS = 6;
/** A booking costs a run some 4 KiB while it is looked at: an eighth of it, kept, would fill a worker within a day. */
const KEPT_BYTES_PER_BOOKING_MAX = 512;

/** Past the buyers' path: what all records have of a booking that was bought. */
async function sold(show: Show): Promise<void> {
  const nowMs = Date.now();
  const bookings = Array.from({ length: BOOKINGS }, (_, seat): Booking => {
    const id = newId('bkg');
    const of = { id, showId: show.id, userId: newId('usr'), cityId: show.cityId, fingerprint: id };
    return asMade({ ...of, ...seatsAt(show, [seat]), heldAtMs: nowMs, expiresAtMs: nowMs });
  });
  for (let first = 0; first < BOOKINGS; first += RECORDED_AT_ONCE) {
    await record(bookings.slice(first, first + RECORDED_AT_ONCE));
  }
}

async function record(bookings: readonly Booking[]): Promise<void> {
  await Promise.all(
    bookings.map(({ id: bookingId, showId, userId: buyerId, seats }) => {
      const indices = seats.map(({ index }) => index);
      return system.workflows.seatCommand(showId, {
        kind: 'confirm',
        bookingId,
        buyerId,
        seats: indices,
        reclaim: true,
      });
    }),
  );
  const oneOf = pLimit(CHARGES_AT_ONCE);
  const charged = await Promise.all(
    bookings.map((booking) =>
      oneOf(async () => {
        const attemptId = newId('pay');
        return { attemptId, reference: await chargeAtProvider(system, booking, attemptId) };
      }),
    ),
  );
  const atMs = Date.now();
  await recordConfirmations(
    system.db,
    bookings.map((booking, place) => ({
      booking: { ...booking, version: 2, changedAtMs: atMs, payment: { status: 'SUCCEEDED' } },
      payment: {
        id: charged[place]!.attemptId,
        bookingId: booking.id,
        amount: booking.price.total,
        status: 'SUCCEEDED',
        provider: 'simulator',
        providerReference: charged[place]!.reference,
        ...{ method: null, failureReason: null, fingerprint: null, createdAtMs: atMs, updatedAtMs: atMs },
      },
      outbox: [],
    })),
  );
}

async function reconcile(window: { readonly fromMs: number; readonly toMs: number }): Promise<ReconciliationResult> {
  const runId = newId('rec');
  const args = [{ window, mode: 'dry_run', runId, startedBy: 'test' }];
  const options = { workflowId: runId, taskQueue: taskQueues.bookings, args };
  return (await system.temporal.workflow.execute('reconciliationWorkflow', options)) as ReconciliationResult;
}

async function weighed(): Promise<number> {
  const [worker] = system.workers;
  const lines = () => worker!.log.filter((line) => line.includes('"msg":"weighed"'));
  const before = lines().length;
  process.kill(worker!.pid!, 'SIGUSR2');
  await eventually(() => expect(lines().length).toBeGreaterThan(before));
  return (JSON.parse(lines().at(-1)!) as { heapBytes: number }).heapBytes;
}

test('run after run over the same bookings keeps none of them in memory', async () => {
  const fromMs = Date.now();
  await sold(await openShow(system, { plan: rowsOfSeats(ROWS, SEATS_PER_ROW) }));
  await delay(1_000);
  const window = { fromMs, toMs: Date.now() };
  for (let run = 0; run < RUNS_BEFORE; run++) {
    // All of them were looked at, and agree.
    expect((await reconcile(window)).counts).toMatchObject({ movements: BOOKINGS, found: 0 });
  }
  const before = await weighed();
  for (let run = 0; run < RUNS; run++) await reconcile(window);
  const kept = ((await weighed()) - before) / (RUNS * BOOKINGS);
  expect(kept).toBeLessThan(KEPT_BYTES_PER_BOOKING_MAX);
}, 120_000);
