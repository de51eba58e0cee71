import { once } from 'node:events';
import { connect } from 'node:net';
import { sql } from 'kysely';
import { EventSource } from 'undici';
import type { SeatMapBody } from '../../src/contracts/http/seats.ts';
import { loadSeatMap, projectSeatMap } from '../../src/read-model/seat-maps.ts';
import { EventStream, type WatchOptions } from '../live/event-stream.ts';
import { eventually } from '../setup/eventually.ts';
import { openShow, rowsOfSeats } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { ApiClient, newGuest } from './http-client.ts';

const PER_CALLER = 8;
const PER_PROCESS = 12;
const system = useTestSystem({
  apis: 2,
  settings: {
    METRICS_PORT: '0',
    RATE_LIMIT: 'on',
    TRUSTED_PROXIES: '1',
    WATCHERS_MAX: String(PER_PROCESS),
    WATCHERS_PER_CALLER_MAX: String(PER_CALLER),
    WATCH_HEARTBEAT_SECONDS: '0.2',
  },
});
const url = (api = 0): string => system.apiUrls[api]!;
const opened: EventStream[] = [];
afterEach(async () => {
  for (const stream of opened.splice(0)) stream.close();
  await eventually(async () => {
    for (const api of [0, 1]) expect(await metric('seatkeeper_watchers', api)).toBe(0);
  });
});

async function watch(showId: string, { api = 0, ...options }: { api?: number } & WatchOptions = {}) {
  const stream = await EventStream.open(url(api), showId, options);
  opened.push(stream);
  return stream;
}

async function metric(name: string, api = 0): Promise<number> {
  const readyLine = system.apis[api]!.log.findLast((line) => line.includes('"msg":"ready"'))!;
  const { metrics } = JSON.parse(readyLine) as { metrics: string };
  const text = await (await fetch(metrics)).text();
  const lines = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

const rowOf = (showId: string) => loadSeatMap(system.db, showId).then((row) => row!);

/** What the show's projection does, without telling anybody. */
async function advanceSilently(showId: string, statuses: string): Promise<number> {
  const { version } = await rowOf(showId);
  await system.db
    .updateTable('seat_map_snapshots')
    .set({ version: version + 1, statuses })
    .where('show_id', '=', showId)
    .execute();
  return version + 1;
}

async function advance(showId: string, change: (statuses: string) => string): Promise<number> {
  const { version, statuses } = await rowOf(showId);
  const delta = { showId, fromVersion: version, toVersion: version + 1, asOfMs: Date.now() };
  await projectSeatMap(system.db, { ...delta, change: { full: change(statuses) } });
  return version + 1;
}

const withStatus = (statuses: string, seat: number, status: string): string =>
  statuses.slice(0, seat) + status + statuses.slice(seat + 1);

describe('who watches a show', () => {
  test('gets the map, and then every change in order, while seats are held, sold, blocked and released', async () => {
    const show = await openShow(system, { plan: rowsOfSeats(10, 4) });
    const [first, second] = [await watch(show.id), await watch(show.id, { api: 1 })];
    await Promise.all([first, second].map((stream) => stream.until(({ events }) => events.length === 1)));
    expect(first.events[0]).toMatchObject({
      event: 'snapshot',
      id: 0,
      map: { showId: show.id, seatingPlanId: show.seatingPlanId, version: 0, statuses: 'a'.repeat(40) },
    });
    expect(first.response.headers['content-type']).toBe('text/event-stream');
    const buyer = await newGuest(url());
    const rows = [...'ABCDEFGHIJ'];
    await Promise.all(
      rows.map(async (row, n) => {
        const held = await buyer.held(show.id, [`${row}1`, `${row}2`]);
        if (n % 3 === 0) await buyer.pay(held.id, 'tok_ok');
        if (n % 3 === 1) await buyer.send('DELETE', `/bookings/${held.id}`);
      }),
    );
    await system.workflows.seatCommand(show.id, { kind: 'block', seats: [39], reason: 'broken' });
    const last = (stream: EventStream): boolean => stream.statuses.endsWith('x');
    await Promise.all([first.until(last), second.until(last)]);
    for (const [stream, api] of [
      [first, 0],
      [second, 1],
    ] as const) {
      const { body } = await new ApiClient(url(api)).get<SeatMapBody>(`/shows/${show.id}/seats`);
      await stream.until(({ version }) => version >= body.version);
      expect([stream.version, stream.statuses]).toEqual([body.version, body.statuses]);
      expect(stream.events.slice(1).every(({ event }) => event === 'change')).toBe(true);
      expect(stream.events.length).toBeGreaterThan(2);
    }
    expect(first.statuses).toBe('bbaaaaaahhaabbaaaaaahhaabbaaaaaahhaabbax');
  });

  test('has, after each event, the very map of that version', async () => {
    const show = await openShow(system);
    const watcher = await watch(show.id);
    const maps = new Map([[0, 'a'.repeat(50)]]);
    for (let n = 0; n < 12; n++) {
      const version = await advance(show.id, (statuses) => withStatus(statuses, (n * 7) % 50, 'hba'[n % 3]!));
      maps.set(version, (await rowOf(show.id)).statuses);
      await watcher.until((stream) => {
        if (maps.has(stream.version)) expect(stream.statuses).toBe(maps.get(stream.version));
        return stream.version === version;
      });
    }
  });

  test('comes again with what it has, at any process, and gets what it lacks and no more', async () => {
    const show = await openShow(system);
    const [steady, other] = [await watch(show.id), await watch(show.id, { api: 1 })];
    for (let seat = 0; seat < 4; seat++) {
      const version = await advance(show.id, (statuses) => withStatus(statuses, seat, 'h'));
      for (const stream of [steady, other]) await stream.until((each) => each.version === version);
    }
    for (const api of [0, 1]) {
      const back = await watch(show.id, { api, lastEventId: 2 });
      await back.until(({ events }) => events.length > 0);
      const changes: [number, string][] = [
        [2, 'h'],
        [3, 'h'],
      ];
      expect(back.events).toEqual([{ event: 'change', id: 4, change: { version: 4, changes } }]);
      const upToDate = await watch(show.id, { api, lastEventId: 4 });
      await upToDate.until(({ comments }) => comments.length > 0);
      expect(upToDate.events).toEqual([]);
    }
    expect(await metric('seatkeeper_live_gaps_healed_total{by="changes"}')).toBeGreaterThan(0);
  });

  test('comes again with what nobody remembers, or with nonsense, and gets the whole map', async () => {
    const show = await openShow(system);
    await advance(show.id, (statuses) => withStatus(statuses, 5, 'b'));
    await advance(show.id, (statuses) => withStatus(statuses, 6, 'b'));
    for (const lastEventId of ['1', '999999', 'nonsense', '-1', '']) {
      const back = await watch(show.id, { lastEventId });
      await back.until(({ events }) => events.length > 0);
      expect(back.events).toMatchObject([{ event: 'snapshot', id: 2 }]);
      back.close();
    }
  });

  test('never goes back, at a process that has not heard of what it has seen elsewhere', async () => {
    const show = await openShow(system);
    const behind = await watch(show.id);
    await behind.until(({ version }) => version === 0);
    const version = await advanceSilently(show.id, withStatus('a'.repeat(50), 7, 'b'));
    const back = await watch(show.id, { lastEventId: version });
    await back.until(({ comments }) => comments.length > 0);
    expect(back.events).toEqual([]);
    await advance(show.id, (statuses) => withStatus(statuses, 8, 'b'));
    await back.until(({ events }) => events.length > 0);
    expect(back.events).toMatchObject([{ event: 'change', id: version + 1, change: { changes: [[8, 'b']] } }]);
  });

  test('sees a change within half a second, even if the notification of it is lost', async () => {
    const show = await openShow(system);
    const watcher = await watch(show.id);
    await watcher.until(({ version }) => version === 0);
    const healedBefore = await metric('seatkeeper_live_gaps_healed_total{by="poll"}');
    const times: number[] = [];
    // Each as soon as the one before it is seen, from one look to the next.
    for (const last of [1, 2, 3, 4]) {
      const startedAt = performance.now();
      await advanceSilently(show.id, withStatus('a'.repeat(50), last, 'b'));
      await watcher.until(({ version }) => version === last);
      times.push(performance.now() - startedAt);
      expect(watcher.statuses[last]).toBe('b');
    }
    // The best of those that waited for a whole round: what else the machine does is no matter of ours.
    expect(Math.min(...times.slice(1))).toBeLessThan(500);
    expect(await metric('seatkeeper_live_gaps_healed_total{by="poll"}')).toBe(healedBefore + 4);
  });

  test('does not make the process look for ever for what a wrong notification told of', async () => {
    const looks = async (): Promise<number> => {
      const { rows } = await sql<{ looks: string }>`
        select seq_scan + idx_scan as looks from pg_stat_user_tables where relname = 'seat_map_snapshots'`.execute(
        system.db,
      );
      return Number(rows[0]!.looks);
    };
    const show = await openShow(system);
    const watcher = await watch(show.id);
    await watcher.until(({ version }) => version === 0);
    const before = await looks();
    await sql`select pg_notify('seat_maps', ${`${show.id}:900`})`.execute(system.db);
    // Three seconds: Postgres counts with a second's delay, and both processes ask for versions four times a second.
    await watcher.until(({ comments }) => comments.length >= 15);
    expect((await looks()) - before).toBeLessThan(100);
    await advance(show.id, (statuses) => withStatus(statuses, 3, 'h'));
    await watcher.until(({ version }) => version === 1);
    expect(watcher.statuses.indexOf('h')).toBe(3);
  });

  test('is told now and then that the connection lives', async () => {
    const show = await openShow(system);
    const watcher = await watch(show.id);
    await watcher.until(({ comments }) => comments.length >= 3);
    expect(watcher.events).toHaveLength(1);
  });
});

describe('a stream', () => {
  test('of a show that does not exist is not found, and takes no place', async () => {
    for (let n = 0; n <= PER_CALLER; n++) {
      const answer = await fetch(`${url()}/api/v1/shows/shw_nobody/seats/stream`);
      expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([404, 'NOT_FOUND']);
    }
    expect((await fetch(`${url()}/api/v1/shows/nonsense/seats/stream`)).status).toBe(404);
  });

  test('has a head of its own, and no other methods', async () => {
    const show = await openShow(system);
    const path = `${url()}/api/v1/shows/${show.id}/seats/stream`;
    const head = await fetch(path, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-type'), await head.text()]).toEqual([200, 'text/event-stream', '']);
    const post = await fetch(path, { method: 'POST' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
    expect((await fetch(path, { method: 'OPTIONS' })).status).toBe(204);
  });

  test('is one of so many per caller and process; one that ends makes room', async () => {
    const show = await openShow(system);
    const mine: EventStream[] = [];
    for (let n = 0; n < PER_CALLER; n++) mine.push(await watch(show.id));
    const tooMany = await fetch(`${url()}/api/v1/shows/${show.id}/seats/stream`);
    expect([tooMany.status, tooMany.headers.get('retry-after')]).toEqual([429, '10']);
    expect(await tooMany.json()).toMatchObject({ code: 'RATE_LIMITED' });
    expect(await metric('seatkeeper_watchers')).toBe(PER_CALLER);
    mine[0]!.close();
    await eventually(async () => expect(await metric('seatkeeper_watchers')).toBe(PER_CALLER - 1));
    await (await watch(show.id)).until(({ events }) => events.length === 1);
  });

  test('is one of so many per process too, whoever its callers are', async () => {
    const show = await openShow(system);
    for (let n = 0; n < PER_PROCESS; n++) await watch(show.id, { from: `192.0.2.${n}` });
    const path = `/api/v1/shows/${show.id}/seats/stream`;
    const tooMany = await fetch(url() + path, { headers: { 'X-Forwarded-For': '192.0.2.99' } });
    expect([tooMany.status, tooMany.headers.get('retry-after')]).toEqual([503, '10']);
    expect(await tooMany.json()).toMatchObject({ code: 'UNAVAILABLE' });
    await (await watch(show.id, { api: 1, from: '192.0.2.99' })).until(({ events }) => events.length === 1);
  });

  test('is dropped when its reader takes too little, and its neighbour is not', async () => {
    const show = await openShow(system, { plan: rowsOfSeats(100, 200) });
    const { hostname, port } = new URL(url());
    const sleeper = connect(Number(port), hostname);
    sleeper.on('error', () => undefined);
    sleeper.write(`GET /api/v1/shows/${show.id}/seats/stream HTTP/1.1\r\nHost: x\r\n\r\n`);
    await once(sleeper, 'readable');
    const neighbour = await watch(show.id);
    const droppedBefore = await metric('seatkeeper_watchers_dropped_total');
    let sent = 0;
    for (; (await metric('seatkeeper_watchers_dropped_total')) === droppedBefore; sent++) {
      const version = await advance(show.id, () => 'ahbx'[sent % 4]!.repeat(20_000));
      await neighbour.until((stream) => stream.version === version);
    }
    expect(sent).toBeGreaterThan(3);
    expect(await metric('seatkeeper_watchers')).toBe(1);
    await advance(show.id, (statuses) => withStatus(statuses, 9, 'b'));
    await neighbour.until(({ statuses }) => statuses[9] === 'b');
    sleeper.destroy();
  }, 60_000);
});

describe('an API process that ends', () => {
  const received = (
    source: EventSource,
  ): { readonly events: readonly number[]; readonly until: (id: number) => Promise<void> } => {
    const events: number[] = [];
    let wake: () => void = () => undefined;
    for (const kind of ['snapshot', 'change']) {
      source.addEventListener(kind, (event) => {
        events.push(Number((event as MessageEvent).lastEventId));
        wake();
      });
    }
    /** Resolves when the event has come, or if it had before. */
    const until = async (id: number): Promise<void> => {
      while (!events.includes(id)) await new Promise<void>((resolve) => (wake = resolve));
    };
    return { events, until };
  };

  test.each(['SIGTERM', 'SIGKILL'] as const)(
    'by %s: its watchers go on where they were',
    async (signal) => {
      const show = await openShow(system);
      const source = new EventSource(`${url()}/api/v1/shows/${show.id}/seats/stream`);
      try {
        const { events, until } = received(source);
        await until(0);
        await until(await advance(show.id, (statuses) => withStatus(statuses, 1, 'h')));
        const startedAt = performance.now();
        await system.apis[0]!.kill(signal);
        if (signal === 'SIGTERM') expect(performance.now() - startedAt).toBeLessThan(3_000);
        const version = await advance(show.id, (statuses) => withStatus(statuses, 2, 'h'));
        await system.apis[0]!.start();
        await until(version);
        expect(events).toEqual([0, 1, 2]);
      } finally {
        source.close();
      }
    },
    30_000,
  );
});
