import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import pLimit from 'p-limit';
import { auditShow } from '../../src/cli/audit.ts';
import { showMessages, type SeatMapView } from '../../src/contracts/show-messages.ts';
import { bookingWorkflowId, showWorkflowId } from '../../src/contracts/workflow-ids.ts';
import type { ApiDoor } from './api-call.ts';
import type { Cluster } from './cluster.ts';
import type { ShowOnSale } from './clients.ts';
import type { RunClock } from './clock.ts';
import type { OperationLog } from './operation-log.ts';
import type { Partner } from './partner.ts';
import { judgeExpiry } from './expiry-probe.ts';
import { replayAll } from './replays.ts';
import type { Told, ToldBooking } from './told.ts';

/**
 * What is slowest to come to its end by itself: a payment that nobody has sent is swept at the latest 30 s after its deadline, and
 * sweeps come every 15 s. Whatever takes longer is stuck.
 */
const QUIET_WITHIN_MS = 120_000;
const LOOK_EVERY_MS = 400;
/** Workflows of the schedules come and go at all times. */
const ofSchedules = ['paymentSweepWorkflow', 'showChangeSweepWorkflow', 'showRemindersWorkflow'];
const REPEATED_AT_ONCE = 8;
/** Of a run's answers, so many are asked for again. */
const REPEATED_MAX = 250;
const REPEAT_TRIES = 5;

export interface AuditScene {
  readonly cluster: Cluster;
  readonly doors: readonly ApiDoor[];
  readonly partner: Partner;
  /** Shows of the clients, and the one that the probers buy at. */
  readonly shows: readonly ShowOnSale[];
  readonly probeShow: ShowOnSale;
  /** Where the audit itself holds seats. */
  readonly expiryShow: ShowOnSale;
  readonly told: Told;
  readonly operations: OperationLog;
  readonly clock: RunClock;
  /** When everything had been healed, in ms of the monotonic clock. */
  readonly healedMs: number;
}

export interface AuditResult {
  /** One sentence for each promise that was broken. */
  readonly broken: readonly string[];
  /** From when everything had been healed until nothing of the run was under way any more, in ms. */
  readonly quietAfterMs: number;
  readonly bookings: number;
  readonly confirmed: number;
  readonly captured: number;
  readonly events: number;
  readonly repeated: number;
  /** Workflows whose history was replayed. */
  readonly replayed: number;
}

/** Every promise, once nothing goes wrong any more. */
export async function audit(scene: AuditScene): Promise<AuditResult> {
  const shows = showsOf(scene);
  const [{ open, quietAfterMs }, expiry] = await Promise.all([untilRunIsQuiet(scene), judgeExpiry(scene)]);
  // What the probe of expiries has left comes to its end, too.
  const stuck = open.length > 0 ? open : await untilQuiet(scene.cluster, shows);
  // What a repeat does is judged with all the rest.
  const repeated = await askAgain(scene);
  const audits = await Promise.all(shows.map((id) => auditOf(scene.cluster, id)));
  const rows = await bookingRows(scene.cluster, shows);
  const { replayed, failures } = await replayAll(codeAndRecordsOf(scene.cluster), shows);
  tellTheEnd(scene, rows);
  return {
    broken: [
      ...stuck,
      ...expiry,
      ...scene.told.broken,
      ...scene.cluster.post.broken.splice(0),
      ...audits.flatMap(({ differences }, number) => differences.map((each) => `show ${shows[number]}: ${each}`)),
      ...notAsTold(scene.told, rows),
      ...(await doubleCharges(scene.cluster, rows)),
      ...(await untoldEvents(scene, shows)),
      ...Object.entries(failures).map(([id, why]) => `workflow ${id} cannot be replayed: ${why}`),
      ...(replayed < rows.size
        ? [`only ${replayed} histories of ${rows.size} bookings were there to be replayed`]
        : []),
      ...alarms(scene.cluster),
    ],
    quietAfterMs,
    bookings: rows.size,
    confirmed: [...rows.values()].filter(({ status }) => status === 'CONFIRMED').length,
    captured: audits.reduce((sum, { captured }) => sum + captured, 0),
    events: scene.partner.heard.size,
    repeated,
    replayed,
  };
}

/** A show whose records cannot be read, because its workflow stands still, say, has broken a promise as well. */
async function auditOf(cluster: Cluster, id: string): Promise<{ differences: readonly string[]; captured: number }> {
  try {
    const { differences, figures } = await auditShow(sourcesOf(cluster), id);
    return { differences: [...differences, ...(await heldByNobody(cluster, id))], captured: figures.money.ledger };
  } catch (error) {
    const { cause = error } = error as Error;
    return { differences: [`its records cannot be read: ${String(cause)}`], captured: 0 };
  }
}

/** Seats that the show keeps for somebody, where no booking is about to be bought any more. */
async function heldByNobody({ temporal }: Cluster, showId: string): Promise<string[]> {
  const view = await temporal.workflow.getHandle(showWorkflowId(showId)).query<SeatMapView>(showMessages.seatMap);
  const { held } = view.counts;
  return held === 0 ? [] : [`${held} seats are held, and no booking is`];
}

const sourcesOf = ({ db, temporal, apis, simulatorUrl }: Cluster) => ({
  db,
  temporal,
  api: apis[0]!,
  paymentSimulator: simulatorUrl,
});

const codeAndRecordsOf = ({ options: { root }, dataDir, temporalAddress }: Cluster) => ({
  root,
  bundlesDir: join(dataDir, 'bundles'),
  address: temporalAddress,
  namespace: 'default',
});

const showsOf = ({ shows, probeShow, expiryShow }: AuditScene): string[] =>
  [...shows, probeShow, expiryShow].map(({ id }) => id);

/** Seats are held at the show for expiries meanwhile. */
async function untilRunIsQuiet(scene: AuditScene): Promise<{ open: string[]; quietAfterMs: number }> {
  const { cluster, expiryShow, healedMs } = scene;
  const ofRun = showsOf(scene).filter((id) => id !== expiryShow.id);
  const open = await untilQuiet(cluster, ofRun, expiryShow.id);
  return { open, quietAfterMs: performance.now() - healedMs };
}

/** Waits until nothing is under way, but for bookings of the show `besides`; what is still so in the end is stuck. */
async function untilQuiet(cluster: Cluster, shows: readonly string[], besides?: string): Promise<string[]> {
  const untilMs = Date.now() + QUIET_WITHIN_MS;
  for (;;) {
    const open = await underWay(cluster, shows, besides).catch((error: unknown) => [
      `the records cannot be read: ${String(error)}`,
    ]);
    if (open.length === 0) return [];
    if (Date.now() > untilMs) return open.map((each) => `stuck: ${each}`);
    await delay(LOOK_EVERY_MS);
  }
}

/** Cheapest first: while one kind is there the others need not be looked for. */
async function underWay(cluster: Cluster, shows: readonly string[], besides?: string): Promise<string[]> {
  const rows = await openRows(cluster, shows);
  if (rows.length > 0) return rows;
  const workflows = await runningWorkflows(cluster, besides);
  if (workflows.length > 0) return workflows.map((id) => `workflow ${id} runs`);
  const audits = await Promise.all(shows.map((id) => auditOf(cluster, id)));
  return audits.flatMap(({ differences }) => differences);
}

async function openRows({ db }: Cluster, shows: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ what: string }>`
    with ours as (select id, status from bookings where show_id = any(${shows}::text[]))
    select 'booking ' || id || ' is ' || status as what from ours where status in ('HELD', 'PAYMENT_PENDING')
    union all
    select 'payment ' || payments.id || ' is ' || payments.status from payments join ours on ours.id = booking_id
      where payments.status in ('PENDING', 'UNKNOWN')
    union all
    select 'refund ' || refunds.id || ' is ' || refunds.status from refunds join ours on ours.id = booking_id
      where refunds.status = 'PENDING'
    union all
    select 'event ' || outbox.id || ' has not left the outbox' from outbox join ours on ours.id = booking_id
      where relayed_at is null
    union all
    select 'event ' || event_id || ' is not delivered to ' || queue from outbox_deliveries
      join ours on ours.id = booking_id
    union all
    select 'event ' || event_id || ' was given up for ' || queue from outbox_parked join ours on ours.id = booking_id
    limit 20`.execute(db);
  return rows.map(({ what }) => what);
}

/** Those of bookings, their changes and their late payments; a show's goes on until the show is over. */
async function runningWorkflows({ db, temporal }: Cluster, besides?: string): Promise<string[]> {
  const others = ['showWorkflow', ...ofSchedules].map((type) => `WorkflowType != '${type}'`).join(' AND ');
  const running: string[] = [];
  for await (const { workflowId, type } of temporal.workflow.list({
    query: `ExecutionStatus = 'Running' AND ${others}`,
  })) {
    if (!type.startsWith('temporal-sys')) running.push(workflowId);
    if (running.length >= 20) break;
  }
  if (besides === undefined) return running;
  const bookings = await db.selectFrom('bookings').select('id').where('show_id', '=', besides).execute();
  return running.filter((workflowId) => !bookings.some(({ id }) => workflowId.startsWith(bookingWorkflowId(id))));
}

interface Row {
  readonly id: string;
  readonly showId: string;
  readonly status: string;
  readonly seatIds: readonly string[];
}

async function bookingRows({ db }: Cluster, shows: readonly string[]): Promise<Map<string, Row>> {
  const rows = await db
    .selectFrom('bookings')
    .select(['id', 'show_id', 'status', 'seats'])
    .where('show_id', 'in', shows)
    .execute();
  return new Map(
    rows.map(({ id, show_id: showId, status, seats }) => [
      id,
      { id, showId, status, seatIds: seats.map((seat) => seat.id) },
    ]),
  );
}

/** What a client was told for certain is so for ever. */
function notAsTold(told: Told, rows: ReadonlyMap<string, Row>): string[] {
  return [...told.bookings.values()].flatMap((booking) => {
    const row = rows.get(booking.id);
    if (row === undefined) return [`booking ${booking.id} was answered with 201, and is not there`];
    return booking.isUnsure ? [] : differencesFrom(booking, row);
  });
}

const ends: ReadonlySet<string> = new Set(['CONFIRMED', 'RELEASED', 'CANCELLED', 'EXCHANGED', 'FAILED']);

function differencesFrom({ id, status, seatIds }: ToldBooking, row: Row): string[] {
  if (!ends.has(status)) return [];
  if (row.status !== status) return [`booking ${id} was ${status} for its client, and is ${row.status}`];
  const isSame = seatIds.toSorted().join() === row.seatIds.toSorted().join();
  return status !== 'CONFIRMED' || isSame
    ? []
    : [`booking ${id} had ${seatIds.join()} for its client, and has ${row.seatIds.join()}`];
}

/** Nobody is charged twice for one thing: each attempt at most once, whichever provider it was charged at. */
async function doubleCharges({ simulatorUrl }: Cluster, rows: ReadonlyMap<string, Row>): Promise<string[]> {
  const answer = await fetch(`${simulatorUrl}/ledger`);
  const { items } = (await answer.json()) as {
    readonly items: readonly { readonly kind: string; readonly bookingId: string; readonly attemptId: string }[];
  };
  const seen = new Set<string>();
  return items.flatMap(({ kind, bookingId, attemptId }) => {
    if (kind !== 'charge' || !rows.has(bookingId)) return [];
    if (seen.has(attemptId)) return [`attempt ${attemptId} of booking ${bookingId} was charged twice`];
    seen.add(attemptId);
    return [];
  });
}

/** Every event of the outbox was heard by the partner, at least once. */
async function untoldEvents({ cluster: { db }, partner }: AuditScene, shows: readonly string[]): Promise<string[]> {
  const events = await db
    .selectFrom('outbox')
    .innerJoin('bookings', 'bookings.id', 'outbox.booking_id')
    .select(['outbox.id', 'outbox.type'])
    .where('show_id', 'in', shows)
    .execute();
  return events
    .filter(({ id }) => !partner.heard.has(`evt_${id}`))
    .map(({ id, type }) => `event ${id} (${type}) never reached the partner`);
}

/** What must never be said. A counter would be gone with the process that is killed. */
const alarms = (cluster: Cluster): string[] =>
  cluster.ownNames.flatMap((name) =>
    cluster
      .part(name)
      .alarms.splice(0)
      .map((line) => `${name}: ${line}`),
  );

/** Requests whose answer is on record are sent again, under their key, to both processes. */
async function askAgain({ doors, told }: AuditScene): Promise<number> {
  const limited = pLimit(REPEATED_AT_ONCE);
  const answers = [...told.answers.values()];
  const every = Math.max(1, Math.ceil(answers.length / REPEATED_MAX));
  const sample = answers.filter((_, number) => number % every === 0);
  await Promise.all(
    sample.map((first, number) =>
      limited(async () => {
        const { method, path, token, key, body } = first;
        for (let tries = 1; ; tries++) {
          const again = await doors[number % doors.length]!.call(method, path, { token, key, body, timeoutMs: 12_000 });
          if (again.status !== null && again.status < 500) return told.compare(first, again.status, again.body);
          if (tries === REPEAT_TRIES) {
            return told.break(`${method} ${path} with key ${key} is not answered any more: ${JSON.stringify(again)}`);
          }
        }
      }),
    ),
  );
  return sample.length;
}

/** The end of each booking, for whoever checks the run's operations: holds whose answer was lost are found by it. */
function tellTheEnd({ operations, clock, shows }: AuditScene, rows: ReadonlyMap<string, Row>): void {
  const sold = new Set(shows.map(({ id }) => id));
  const call = clock.now();
  for (const { id, showId, status, seatIds } of rows.values()) {
    if (!sold.has(showId)) continue;
    operations.append({
      ...{ client: AUDITOR, kind: 'read-booking', showId, bookingId: id, key: null, seatIds, call },
      ...{ return: clock.now(), outcome: 'ok', code: null, status, answeredSeatIds: seatIds, expiresAt: null },
    });
  }
}

/** Its reads overlap: they are one statement. */
const AUDITOR = 9_999;
