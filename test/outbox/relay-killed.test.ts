import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { eventually } from '../setup/eventually.ts';
import { useTestDatabase } from '../setup/postgres.ts';
import { TestProcess } from '../setup/process.ts';
import { waiting, writeEvents } from './relays-of-tests.ts';

const test = useTestDatabase();
const consumerProcess = join(import.meta.dirname, 'consumer-process.ts');
let folder = '';
let file = '';
let processes: TestProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seatkeeper-outbox-'));
  file = join(folder, 'given');
});
afterEach(async () => {
  await Promise.all(processes.map((each) => each.kill()));
  processes = [];
  await rm(folder, { recursive: true, force: true });
  await sql`truncate outbox, outbox_deliveries, outbox_parked`.execute(test.db);
});

function relay(name = 'relay'): TestProcess {
  const process = new TestProcess(name, [consumerProcess], { DATABASE_URL: test.url, OUTBOX_FILE: file });
  processes.push(process);
  return process;
}

interface Given {
  readonly consumer: string;
  readonly id: number;
  readonly bookingId: string;
}

async function given(): Promise<Given[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [consumer = '', id, bookingId = ''] = line.split(' ');
      return { consumer, id: Number(id), bookingId };
    });
}

const someEvents = (count: number, bookings: number, name = 'bkg') =>
  Array.from({ length: count }, (_, index) => ({ bookingId: `${name}_${index % bookings}` }));

const delivered = (all: readonly Given[], consumer: string) =>
  [...new Set(all.filter((each) => each.consumer === consumer).map(({ id }) => id))].toSorted((a, b) => a - b);

/** The events of each booking as they came to a consumer, repetitions among them. */
function* orders(all: readonly Given[]): Generator<readonly number[]> {
  for (const each of Map.groupBy(all, ({ consumer, bookingId }) => `${consumer} ${bookingId}`).values()) {
    yield each.map(({ id }) => id);
  }
}

describe('a relay that is killed', () => {
  it('at every step loses nothing, repeats no more than was under way, and keeps the order', async () => {
    const written = await writeEvents(test.db, someEvents(600, 40));
    const deaths = ['before 1', 'after 1', 'before 20', 'after 33', 'before 64', 'after 100', 'before 101'];
    const process = relay();
    for (const DIES of deaths) {
      // It may die before it is ready.
      await process.start({ DIES }).catch(() => undefined);
      await process.exited();
    }
    await process.start();
    await eventually(async () => {
      const all = await given();
      expect([delivered(all, 'a'), delivered(all, 'b')]).toEqual([written, written]);
      expect(await waiting(test.db)).toEqual([]);
    });
    const all = await given();
    expect(all.length).toBeLessThanOrEqual(2 * written.length + deaths.length * 64);
    for (const order of orders(all)) expect(order).toEqual(order.toSorted((a, b) => a - b));
  }, 60_000);

  it('while events are written, again and again at any moment, loses none of them', async () => {
    const process = relay();
    const written: number[] = [];
    for (let round = 0; round < 4; round++) {
      await process.start();
      written.push(...(await writeEvents(test.db, someEvents(300, 60))));
      await delay(10 + round * 15);
      await process.kill();
    }
    await process.start();
    await eventually(async () => {
      const all = await given();
      expect([delivered(all, 'a'), delivered(all, 'b')]).toEqual([written, written]);
    });
    for (const order of orders(await given())) expect(order).toEqual(order.toSorted((a, b) => a - b));
  }, 60_000);

  it('beside another one leaves its share to it within seconds', async () => {
    const [one, other] = [relay('one'), relay('other')];
    await one.start();
    await other.start();
    const lanesOf = ({ log }: TestProcess) => log.findLast((line) => line.includes('"lanes"'));
    await eventually(() => expect(lanesOf(one)).toContain('"lanes":32'), 20_000);
    await eventually(() => expect(lanesOf(other)).toContain('"lanes":32'), 20_000);
    await one.kill();
    const killedAtMs = Date.now();
    const written = await writeEvents(test.db, someEvents(200, 200, 'orphan'));
    await eventually(async () => expect(delivered(await given(), 'a')).toEqual(written));
    expect(Date.now() - killedAtMs).toBeLessThan(5_000);
  }, 60_000);

  it('when it is asked to stop, finishes what is under way and stops', async () => {
    const process = relay();
    const written = await writeEvents(test.db, someEvents(20, 20));
    await process.start({ TAKES_MS: '1000' });
    await eventually(async () => {
      const all = await given();
      expect([delivered(all, 'a'), delivered(all, 'b')]).toEqual([written, written]);
    });
    await process.kill('SIGTERM');
    expect(process.log.join('\n')).not.toMatch(/"level":[56]0/);
    expect(await waiting(test.db)).toEqual([]);
  }, 30_000);
});
