import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { arrivals, closedLoops } from '../../bench/load/bookings.ts';
import { wholeAnswer } from '../../bench/load/http-connection.ts';
import { poissonSchedule, seededRandom } from '../../bench/load/schedule.ts';
import { Stopwatch } from '../../bench/load/stopwatch.ts';

/** A front that takes its time for each hold, one after the other. */
async function frontThat(answer: (body: { seats: number[] }) => Promise<[number, Record<string, unknown>]>) {
  let turn = Promise.resolve();
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      turn = turn.then(async () => {
        const [status, body] = await answer(JSON.parse(Buffer.concat(chunks).toString()) as { seats: number[] });
        const text = JSON.stringify(body);
        const again = status === 503 ? { 'Retry-After': '1' } : {};
        response.writeHead(status, { 'Content-Length': text.length, ...again }).end(text);
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { front: { kind: 'peer', origin: `http://127.0.0.1:${port}` } as const, server };
}

const choices = Array.from({ length: 1_000 }, (_, seat) => ({ showId: 'show', seats: [seat] }));
const stopwatch = () => new Stopwatch(() => {});

describe('an open loop', () => {
  it('counts latency from when a buyer was due, however long the others before had to wait', async () => {
    const slowMs = 20;
    const { front, server } = await frontThat(async ({ seats }) => {
      await delay(slowMs);
      return [201, { bookingId: `booking-${seats[0]}` }];
    });
    // Twice as many as can be served: the last one waits for half of all the others.
    const stages = [
      { ratePerSecond: 1, forMs: 1 },
      { ratePerSecond: 100, forMs: 400 },
    ];
    const job = { kind: 'arrivals', front, choices, pays: false, stages, seed: 1 } as const;
    const { attempts } = await arrivals(job, stopwatch());
    server.close();
    const last = attempts.reduce((latest, attempt) => (attempt.dueMs > latest.dueMs ? attempt : latest));
    expect(attempts.length).toBeGreaterThan(25);
    expect(last.holdMs).toBeGreaterThan((attempts.length - 2) * slowMs - last.dueMs);
    expect(last.holdMs).toBeGreaterThan(5 * slowMs);
  });

  it('offers seats again that were refused for the time being, and calls that no failure', async () => {
    let asked = 0;
    const wanted: number[] = [];
    const { front, server } = await frontThat(({ seats }) => {
      wanted.push(seats[0]!);
      return Promise.resolve(asked++ === 0 ? [503, {}] : [201, { bookingId: `booking-${asked}` }]);
    });
    const stages = [
      { ratePerSecond: 1, forMs: 1 },
      { ratePerSecond: 50, forMs: 300 },
    ];
    const job = { kind: 'arrivals', front, choices: choices.slice(0, 100), pays: false, stages, seed: 7 } as const;
    const { attempts } = await arrivals(job, stopwatch());
    server.close();
    expect(attempts.filter(({ end }) => end === 'overloaded')).toHaveLength(1);
    expect(attempts.filter(({ end }) => end === 'failed')).toHaveLength(0);
    expect(new Set(wanted).size).toBe(wanted.length);
  });
});

describe('closed loops', () => {
  it('ask for each choice once in turn, and take an answer nobody expects for a failure', async () => {
    const wanted: number[] = [];
    const { front, server } = await frontThat(({ seats }) => {
      wanted.push(seats[0]!);
      return Promise.resolve(seats[0] === 3 ? [500, { code: 'INTERNAL' }] : [409, {}]);
    });
    const job = { kind: 'closed loops', front, clients: 4, choices: choices.slice(0, 20), order: 'in turn' } as const;
    const { attempts } = await closedLoops({ ...job, pays: false, warmUpMs: 0, measuredMs: 10_000 }, stopwatch());
    server.close();
    expect(wanted.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, seat) => seat));
    expect(attempts.filter(({ end }) => end === 'taken')).toHaveLength(19);
    expect(attempts.filter(({ end }) => end === 'failed').map(({ failure }) => failure)).toEqual([
      expect.stringContaining('500'),
    ]);
  });

  it('wait as they are told when they are refused for the time being, and ask for the same again', async () => {
    let asked = 0;
    const { front, server } = await frontThat(() => {
      return Promise.resolve(asked++ === 0 ? [503, {}] : [201, { bookingId: `booking-${asked}` }]);
    });
    const job = { kind: 'closed loops', front, clients: 1, choices: choices.slice(0, 5), order: 'in turn' } as const;
    const { attempts } = await closedLoops({ ...job, pays: false, warmUpMs: 0, measuredMs: 60_000 }, stopwatch());
    server.close();
    expect(attempts.map(({ choice, end }) => [choice, end])).toEqual([
      [0, 'overloaded'],
      ...[0, 1, 2, 3, 4].map((choice) => [choice, 'held']),
    ]);
    // `Retry-After: 1`
    expect(attempts[1]!.dueMs - attempts[0]!.endMs).toBeGreaterThan(990);
  });

  it('warm up on other choices, which are no part of what is measured', async () => {
    let asked = 0;
    const { front, server } = await frontThat(() => Promise.resolve([201, { bookingId: `booking-${asked++}` }]));
    const warmUp = { choices: choices.slice(900), requests: 30 };
    const job = { kind: 'closed loops', front, clients: 4, choices: choices.slice(0, 20), order: 'in turn' } as const;
    const stormed = await closedLoops({ ...job, warmUp, pays: false, warmUpMs: 0, measuredMs: 10_000 }, stopwatch());
    server.close();
    expect(stormed.warmUpAttempts).toHaveLength(30);
    expect(stormed.attempts.map(({ bookingId }) => Number(bookingId!.slice(8))).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, number) => 30 + number),
    );
    expect(Math.min(...stormed.attempts.map(({ dueMs }) => dueMs))).toBeGreaterThanOrEqual(0);
  });
});

describe('the schedule of an open loop', () => {
  it('has the rate it was asked for, and gaps as chance makes them', () => {
    const schedule = poissonSchedule(200, 60_000, seededRandom(3));
    expect(schedule.length / 60).toBeGreaterThan(190);
    expect(schedule.length / 60).toBeLessThan(210);
    const gaps = schedule.slice(1).map((atMs, index) => atMs - schedule[index]!);
    const mean = gaps.reduce((sum, gapMs) => sum + gapMs, 0) / gaps.length;
    const variance = gaps.reduce((sum, gapMs) => sum + (gapMs - mean) ** 2, 0) / gaps.length;
    // Exponential: the deviation is the mean. Evenly spaced it would be nothing.
    expect(Math.sqrt(variance) / mean).toBeCloseTo(1, 1);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(0);
  });

  it('is the same each time', () => {
    expect(poissonSchedule(50, 1_000, seededRandom(5))).toEqual(poissonSchedule(50, 1_000, seededRandom(5)));
  });
});

describe('the reader of answers', () => {
  const whole = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello');

  it('waits for the rest of one that comes in pieces', () => {
    for (let length = 0; length < whole.length; length++) expect(wholeAnswer(whole.subarray(0, length))).toBeNull();
    expect(wholeAnswer(whole)).toMatchObject({ status: 200, body: Buffer.from('hello') });
  });

  it('needs no length where there is no body', () => {
    expect(wholeAnswer(Buffer.from('HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n'))).toMatchObject({ status: 304 });
  });

  it('refuses what it does not understand', () => {
    expect(wholeAnswer(Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5'))).toBeInstanceOf(Error);
    expect(wholeAnswer(Buffer.concat([whole, whole]))).toBeInstanceOf(Error);
  });
});
