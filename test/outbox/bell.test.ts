import { once } from 'node:events';
import { MockActivityEnvironment } from '@temporalio/testing';
import pg from 'pg';
import { createChangeActivities } from '../../activities/change-activities.ts';
import { createTransferActivities } from '../../activities/transfer-activities.ts';
import { recordConfirmations } from '../../src/read-model/booking-records.ts';
import { insertHeldBookings } from '../../src/read-model/bookings.ts';
import { OUTBOX_CHANNEL } from '../../src/read-model/outbox.ts';
import { someConfirmation, someHold, someId } from '../read-model/bookings-of-tests.ts';
import { insertSomeShow } from '../read-model/catalogue-of-tests.ts';
import { useTestDatabase } from '../setup/postgres.ts';

const test = useTestDatabase();
let relay: pg.Client;

beforeEach(async () => {
  relay = new pg.Client({ connectionString: test.url });
  await relay.connect();
  await relay.query(`listen ${OUTBOX_CHANNEL}`);
});
afterEach(() => relay.end());

async function confirmed() {
  const { showId } = await insertSomeShow(test.db, { startsAtMs: Date.now() + 48 * 3_600_000 });
  const hold = someHold({ showId });
  await insertHeldBookings(test.db, [hold]);
  await recordConfirmations(test.db, [someConfirmation(hold, { status: 'SUCCEEDED' })]);
  return hold;
}

const deps = () => ({ db: test.db, workflows: { purchaseHasEnded: () => Promise.resolve(true) } });
const changes = () => createChangeActivities(deps());
type Held = Awaited<ReturnType<typeof confirmed>>;

const cancelled = ({ id: bookingId, userId: requestedBy }: Held) =>
  changes().recordCancellation({ kind: 'cancellation', changeId: someId('chg'), bookingId, requestedBy }, Date.now());

const transferred = ({ id: bookingId, userId: requestedBy }: Held) => {
  const to = { userId: someId('usr'), email: 'a@example.org', language: 'en' } as const;
  const change = { kind: 'transfer', changeId: someId('chg'), bookingId, requestedBy, to } as const;
  return createTransferActivities(deps()).recordTransfer(change, Date.now());
};

/** A relay that is not told looks by itself, a second later. */
it.each([
  ['a cancellation', cancelled],
  ['a transfer', transferred],
])('the relay is told of %s at once', async (_what, change) => {
  const booking = await confirmed();
  const told = once(relay, 'notification');
  expect(await new MockActivityEnvironment().run(() => change(booking))).toMatchObject({ ok: true });
  expect(await told).toMatchObject([{ channel: OUTBOX_CHANNEL, payload: '' }]);
});

type Answer = Awaited<ReturnType<typeof cancelled>>;

it('the relay is told of a refund that has ended', async () => {
  const booking = await confirmed();
  const environment = new MockActivityEnvironment();
  const answer = await environment.run<[], Answer, () => Promise<Answer>>(() => cancelled(booking));
  const [planned] = answer.ok ? answer.refunds : [];
  await once(relay, 'notification');
  const told = once(relay, 'notification');
  const { id, amount, payment } = planned!;
  const refund = { id, attemptId: payment.attemptId, amount, status: 'SUCCEEDED', providerReference: 're_1' } as const;
  await environment.run(() => changes().recordChangeRefund(planned!, refund));
  expect(await told).toMatchObject([{ payload: '' }]);
});
