import { Client } from '@temporalio/client';
import { sql } from 'kysely';
import { createHash } from 'node:crypto';
import type { SeatCommand, SeatCommandResult } from '../../src/domain/seat-commands.ts';
import { newId } from '../../src/platform/ids.ts';
import { ShowSenderPlaces } from '../../src/read-model/sender-places.ts';
import { connectClient } from '../../temporal/connection.ts';
import { TemporalWorkflowClient } from '../../temporal/workflow-client.ts';
import { eventually } from '../setup/eventually.ts';
import { openShow, rowsOfSeats, statusesOf } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';

const system = useTestSystem();

/** What Temporal takes of one workflow at once. */
const IN_FLIGHT_MAX = 10;
const SENDERS = 12;
const LANES_PER_SENDER = 16;
const COMMANDS_PER_LANE = 20;
/** Far below the time after which a command is given up; with a machine that has other things to do. */
const ANSWERED_WITHIN_MS = 6_000;

const silent = { warn: () => undefined, info: () => undefined };

/** Updates begun and not answered, as the processes' own clients see them. */
class InFlight {
  now = 0;
  most = 0;
  begun = 0;

  readonly interceptor = {
    startUpdate: async <Input, Output>(input: Input, next: (input: Input) => Promise<Output>): Promise<Output> => {
      this.begun += 1;
      this.most = Math.max(this.most, ++this.now);
      try {
        return await next(input);
      } finally {
        this.now -= 1;
      }
    },
  };
}

/** What a process has: connections of its own to Temporal and to Postgres. */
async function startSender(inFlight: InFlight) {
  const { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace, DATABASE_URL: databaseUrl } = system.env;
  const { connection } = await connectClient({ address: address!, namespace: namespace! });
  const client = new Client({ connection, namespace, interceptors: { workflow: [inFlight.interceptor] } });
  const places = new ShowSenderPlaces(databaseUrl!, silent);
  return {
    places,
    workflows: new TemporalWorkflowClient(client, { senderPlaces: places }),
    close: async () => {
      await connection.close();
      await places.close();
    },
  };
}

type Sender = Awaited<ReturnType<typeof startSender>>;

/** Each lane holds its own seat and gives it back, again and again. */
async function storm(senders: readonly Sender[], showId: string) {
  const waits: number[] = [];
  let answers = 0;
  const send = async (sender: Sender, command: SeatCommand): Promise<SeatCommandResult> => {
    const sentMs = performance.now();
    const result = await sender.workflows.seatCommand(showId, command);
    waits.push(performance.now() - sentMs);
    answers += 1;
    return result;
  };
  const lane = async (sender: Sender, seat: number): Promise<void> => {
    for (let turn = 0; turn < COMMANDS_PER_LANE / 2; turn++) {
      const bookingId = newId('bkg');
      const hold = { fingerprint: 'of this body', buyerId: newId('usr'), ttlMs: 600_000, pick: { seats: [seat] } };
      expect(await send(sender, { kind: 'hold', bookingId, ...hold })).toMatchObject({ ok: true, seats: [seat] });
      expect(await send(sender, { kind: 'release', bookingId })).toMatchObject({ ok: true });
    }
  };
  await Promise.all(
    senders.flatMap((sender, number) =>
      Array.from({ length: LANES_PER_SENDER }, (_, each) => lane(sender, number * LANES_PER_SENDER + each)),
    ),
  );
  return { answers, longestMs: Math.max(...waits) };
}

const connectionsForPlaces = () =>
  sql<{
    pid: number;
  }>`select pid from pg_stat_activity where datname = current_database() and application_name = 'seatkeeper sender places'`.execute(
    system.db,
  );

const placesTaken = async (where = sql`true`): Promise<number> => {
  const locks = await sql<{ count: number }>`
    select count(*) from pg_locks
    where locktype = 'advisory' and objsubid = 2 and ${where}
      and database = (select oid from pg_database where datname = current_database())`.execute(system.db);
  return locks.rows[0]!.count;
};

/** In the line to this show, which Postgres tells without its sign. */
const placesTakenOf = (showId: string): Promise<number> => {
  const line = createHash('sha256').update(showId).digest().readUInt32BE(0);
  return placesTaken(sql`classid = ${line}`);
};

describe('many processes send to one show', () => {
  const inFlight = new InFlight();
  let senders: Sender[];

  beforeAll(async () => {
    senders = await Promise.all(Array.from({ length: SENDERS }, () => startSender(inFlight)));
  });
  afterAll(() => Promise.all(senders.map((sender) => sender.close())));

  test('never more updates are in flight than Temporal takes, and every command is answered, none late', async () => {
    const show = await openShow(system, { plan: rowsOfSeats(LANES_PER_SENDER, SENDERS) });
    const { answers, longestMs } = await storm(senders, show.id);
    expect(answers).toBe(SENDERS * LANES_PER_SENDER * COMMANDS_PER_LANE);
    expect(inFlight.most).toBeLessThanOrEqual(IN_FLIGHT_MAX);
    expect(longestMs).toBeLessThan(ANSWERED_WITHIN_MS);
    expect(await statusesOf(system, show.id)).toBe('a'.repeat(SENDERS * LANES_PER_SENDER));
  }, 120_000);

  test('who sends alone takes one place, keeps it, and gives it up for others without a word from its caller', async () => {
    const show = await openShow(system);
    const ask = (sender: Sender) =>
      sender.workflows.seatCommand(show.id, { kind: 'release', bookingId: newId('bkg') }).then(({ ok }) => ok);
    for (let turn = 0; turn < 5; turn++) await ask(senders[0]!);
    expect(await placesTakenOf(show.id)).toBe(1);
    for (const sender of senders) await ask(sender);
    expect(await placesTakenOf(show.id)).toBeLessThanOrEqual(8);
  });

  test('connections that are lost in the middle cost nobody his answer', async () => {
    const show = await openShow(system, { plan: rowsOfSeats(LANES_PER_SENDER, SENDERS) });
    inFlight.most = 0;
    const storming = storm(senders, show.id);
    const pids = (await connectionsForPlaces()).rows.slice(0, 2).map(({ pid }) => pid);
    for (const pid of pids) await sql`select pg_terminate_backend(${pid})`.execute(system.db);
    const { answers } = await storming;
    expect(answers).toBe(SENDERS * LANES_PER_SENDER * COMMANDS_PER_LANE);
    expect(inFlight.most).toBeLessThanOrEqual(IN_FLIGHT_MAX);
  }, 120_000);
});

describe('the places of one show', () => {
  const open: ShowSenderPlaces[] = [];
  const newProcess = (): ShowSenderPlaces => {
    const places = new ShowSenderPlaces(system.env.DATABASE_URL!, silent);
    open.push(places);
    return places;
  };
  const entered = (places: ShowSenderPlaces, showId: string) =>
    eventually(async () => expect(await places.enter(showId)).toBe(true));
  afterEach(() => Promise.all(open.splice(0).map((places) => places.close())));

  test('there are eight; who comes after them waits until one of them has its answer', async () => {
    const showId = newId('shw');
    const [waiting, ...eight] = Array.from({ length: 9 }, newProcess);
    await Promise.all(eight.map((places) => entered(places, showId)));
    for (let turn = 0; turn < 20; turn++) expect(await waiting!.enter(showId)).toBe(false);
    for (const places of eight) places.leave(showId);
    await entered(waiting!, showId);
  });

  test('a connection that is lost gives its places back, also those in use', async () => {
    const showId = newId('shw');
    const eight = Array.from({ length: 8 }, newProcess);
    await Promise.all(eight.map((places) => entered(places, showId)));
    const waiting = newProcess();
    await eventually(async () => expect((await connectionsForPlaces()).rows.length).toBeGreaterThanOrEqual(9));
    expect(await waiting.enter(showId)).toBe(false);
    // The connection goes without a word, as that of a process that was killed does.
    await eight[0]!.close();
    await entered(waiting, showId);
  });

  test('a process keeps a bounded number of places, and sends to more shows than that', async () => {
    const places = newProcess();
    const shows = Array.from({ length: 300 }, () => newId('shw'));
    const before = await placesTaken();
    await Promise.all(
      shows.map(async (showId) => {
        await entered(places, showId);
        places.leave(showId);
      }),
    );
    await eventually(async () => expect((await placesTaken()) - before).toBeLessThanOrEqual(256));
  });
});
