import type { Show } from '../../src/read-model/shows.ts';
import { showWorkflowId, bookingWorkflowId } from '../../src/contracts/workflow-ids.ts';
import { newId } from '../../src/platform/ids.ts';
import { TemporalWorkflowClient } from '../../temporal/workflow-client.ts';
import { expectAgreement } from '../setup/agreement.ts';
import { book, captured, chargeAtProvider, endOf, lateEndOf, pay, recordAttempt } from '../setup/bookings.ts';
import { eventually } from '../setup/eventually.ts';
import { TestProcess } from '../setup/process.ts';
import { openShow } from '../setup/shows.ts';
import { type TestSystem, useTestSystem } from '../setup/system.ts';
import { untilKnown } from '../setup/until-known.ts';

const system = useTestSystem({ workers: 0 });
/** With queues of its own; every other city of these tests shares the common ones. */
const OWN_CITY = newId('cit');
/** The same system, for which that city has its queues. */
let own: TestSystem;
let worker: { readonly common: TestProcess; readonly city: TestProcess };

const newWorker = (name: string, queues: string): TestProcess =>
  new TestProcess(name, ['src/main/worker.ts'], { ...system.env, CITY_QUEUES: OWN_CITY, WORKER_QUEUES: queues });

beforeAll(async () => {
  own = { ...system, workflows: new TemporalWorkflowClient(system.temporal, { cityQueues: [OWN_CITY] }) };
  worker = { common: newWorker('common worker', 'common'), city: newWorker('city worker', OWN_CITY) };
  await Promise.all([worker.common.start(), worker.city.start()]);
});
afterAll(() => Promise.all([worker.common.kill(), worker.city.kill()]));

/** Process ids of the workers that have answered its workflow tasks and taken its activities. */
async function servedBy(workflowId: string): Promise<ReadonlySet<number>> {
  const { events } = await system.temporal.workflow.getHandle(workflowId).fetchHistory();
  const identities = (events ?? []).flatMap(
    (event) =>
      // The start of a task that an update has made names nobody where something else came meanwhile; its end does.
      event.workflowTaskCompletedEventAttributes?.identity ?? event.activityTaskStartedEventAttributes?.identity ?? [],
  );
  return new Set(identities.map((identity) => Number.parseInt(identity, 10)));
}

const hold = (seat: number) => ({
  ...({ kind: 'hold', bookingId: newId('bkg'), fingerprint: 'of this body', buyerId: newId('usr') } as const),
  ...{ ttlMs: 30_000, pick: { seats: [seat] } },
});

async function bought(show: Show): Promise<string> {
  const booking = await book(own, show, [0, 1]);
  expect(await pay(own, booking, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
  await endOf(own, booking);
  return booking.id;
}

test('a show and its bookings are served by the worker of their city, those of other cities by the common one', async () => {
  const [here, elsewhere] = [await openShow(own, { cityId: OWN_CITY }), await openShow(own)];
  const bookings = [await bought(here), await bought(elsewhere)] as const;
  expect(await servedBy(bookingWorkflowId(bookings[0]))).toEqual(new Set([worker.city.pid]));
  expect(await servedBy(showWorkflowId(here.id))).toEqual(new Set([worker.city.pid]));
  expect(await servedBy(bookingWorkflowId(bookings[1]))).toEqual(new Set([worker.common.pid]));
  expect(await servedBy(showWorkflowId(elsewhere.id))).toEqual(new Set([worker.common.pid]));
  await expectAgreement(own, here);
});

test('what a booking leaves behind, money that comes late, is settled on the queues of its city', async () => {
  const show = await openShow(own, { cityId: OWN_CITY });
  const booking = await book(own, show, [0], { holdTtlMs: 500 });
  expect(await endOf(own, booking)).toBe('EXPIRED');
  const attemptId = newId('pay');
  await recordAttempt(own, booking, attemptId);
  await own.workflows.notifyPayment(
    captured(booking, attemptId, await chargeAtProvider(own, booking, attemptId)),
    booking,
  );
  expect(await lateEndOf(own, booking, attemptId)).toBe('confirmed');
  expect(await servedBy(`${bookingWorkflowId(booking.id)}/late/${attemptId}`)).toEqual(new Set([worker.city.pid]));
});

test('while a city has no worker its show waits, and other cities sell; then it is answered', async () => {
  const [here, elsewhere] = [await openShow(own, { cityId: OWN_CITY }), await openShow(own)];
  await worker.city.kill();
  const command = hold(0);
  const waiting = untilKnown(() => own.workflows.seatCommand(here.id, command));
  expect(await own.workflows.seatCommand(elsewhere.id, hold(0))).toMatchObject({ ok: true });
  expect(await Promise.race([waiting, own.workflows.seatCommand(elsewhere.id, hold(1))])).toMatchObject({ seats: [1] });
  await worker.city.start();
  expect(await waiting).toMatchObject({ ok: true, seats: [0] });
});

test('a city whose queues are given up is served to its end by a worker that is told so', async () => {
  const show = await openShow(own, { cityId: OWN_CITY });
  const booking = await book(own, show, [0, 1]);
  const [retired, later] = [system, await openShow(system, { cityId: OWN_CITY })];
  expect(await pay(retired, booking, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
  expect(await retired.workflows.seatCommand(show.id, hold(2))).toMatchObject({ ok: true });
  expect(await retired.workflows.seatCommand(later.id, hold(2))).toMatchObject({ ok: true });
  await eventually(async () => expect(await servedBy(bookingWorkflowId(booking.id))).toContain(worker.city.pid));
  expect(await servedBy(showWorkflowId(later.id))).toEqual(new Set([worker.common.pid]));
});
