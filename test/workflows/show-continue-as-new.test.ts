import type { SeatMapView } from '../../src/contracts/show-messages.ts';
import type { SeatCommand, SeatCommandResult } from '../../src/domain/seat-commands.ts';
import { newId } from '../../src/platform/ids.ts';
import { loadSeatMap, seatMapVersions } from '../../src/read-model/seat-maps.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { TemporalWorkflowClient } from '../../temporal/workflow-client.ts';
import { eventually } from '../setup/eventually.ts';
import { openShow, rowsOfSeats, viewOf } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';

const system = useTestSystem();

/** Each has its own batches, as API processes have. Temporal takes ten updates of one workflow at a time. */
const CLIENTS = 8;
const LANES_PER_CLIENT = 2;
const BATCHES_MIN = 2_500;
/** Two times from one run to the next. */
const RUNS_MIN = 3;
const EVENTS_PER_RUN_MAX = 10_000;
const HOLD_TTL_MS = 600_000;

/** What a booking has by the answers that were given: nothing, a hold or booked seats. */
interface Owner {
  readonly seats: readonly number[];
  readonly booked: boolean;
}

class Story {
  readonly owners = new Map<string, Owner>();
  /** Ended holds, with the command that had made them. */
  readonly ended: { readonly hold: SeatCommand; readonly seats: readonly number[] }[] = [];
  /** Commands that were granted and changed something: each counts the seat map's version up by one. */
  changes = 0;
  answers = 0;
}

interface Buyer {
  readonly client: TemporalWorkflowClient;
  readonly other: TemporalWorkflowClient;
  readonly row: number;
}

/** Buyers on rows of their own, so that every answer can be foretold; each twice now and then, from two processes. */
async function buyAndChangeMinds(show: Show, story: Story, { client, other, row }: Buyer): Promise<void> {
  const bookingId = newId('bkg');
  const pairs = [0, 2, 4, 6, 8].filter(
    (seat) => ![...story.owners.values()].some((owner) => owner.seats.includes(row * 10 + seat)),
  );
  const [first, second] = pairs;
  if (first === undefined || second === undefined) return giveBackRow(show, story, client, row);
  const seats = [row * 10 + first, row * 10 + first + 1];
  const hold = holdOf(bookingId, seats);
  await grantedTwice(story, hold, [client, other], show);
  story.owners.set(bookingId, { seats, booked: false });

  const next = Math.random();
  if (next < 0.4) {
    await granted(story, client, show, { kind: 'release', bookingId });
    story.owners.delete(bookingId);
    story.ended.push({ hold, seats });
  } else if (next < 0.8) {
    const confirm = { kind: 'confirm', bookingId, buyerId: 'usr', seats, reclaim: false } as const;
    await grantedTwice(story, confirm, [client, other], show);
    story.owners.set(bookingId, { seats, booked: true });
  }
}

async function giveBackRow(show: Show, story: Story, client: TemporalWorkflowClient, row: number): Promise<void> {
  for (const [bookingId, { seats, booked }] of story.owners) {
    if (Math.floor(seats[0]! / 10) !== row) continue;
    await granted(story, client, show, { kind: booked ? 'return' : 'release', bookingId });
    story.owners.delete(bookingId);
  }
}

const holdOf = (bookingId: string, seats: readonly number[]): SeatCommand => ({
  kind: 'hold',
  bookingId,
  fingerprint: `of ${bookingId}`,
  buyerId: 'usr',
  ttlMs: HOLD_TTL_MS,
  pick: { seats },
});

async function granted(story: Story, client: TemporalWorkflowClient, show: Show, command: SeatCommand) {
  const answer = await client.seatCommand(show.id, command);
  story.answers += 1;
  story.changes += 1;
  if (!answer.ok) throw new Error(`${JSON.stringify(command)} was refused: ${JSON.stringify(answer)}`);
  return answer;
}

/** The same command from two processes: both are answered alike, and it counts once. */
async function grantedTwice(
  story: Story,
  command: SeatCommand,
  clients: readonly TemporalWorkflowClient[],
  show: Show,
): Promise<void> {
  const answers = await Promise.all(clients.map((client) => client.seatCommand(show.id, command)));
  story.answers += answers.length;
  story.changes += 1;
  const [one, two] = answers as [SeatCommandResult, SeatCommandResult];
  if (!one.ok || !two.ok) throw new Error(`${JSON.stringify(command)} was refused: ${JSON.stringify(answers)}`);
  expect(two).toEqual(one);
}

async function historyLengthOf(show: Show, runId: string): Promise<number> {
  return (await system.temporal.workflow.getHandle(`show/${show.id}`, runId).describe()).historyLength;
}

test('under load no command is lost or answered twice from one run to the next', async () => {
  const show = await openShow(system, { plan: rowsOfSeats(CLIENTS * LANES_PER_CLIENT, 10) });
  let batches = 0;
  const clients = Array.from(
    { length: CLIENTS },
    () => new TemporalWorkflowClient(system.temporal, { observeBatch: () => batches++ }),
  );
  const story = new Story();
  const versions: number[] = [];
  const runIds = new Set<string>();
  const isDone = () => batches >= BATCHES_MIN && runIds.size >= RUNS_MIN;

  const lane = async (number: number) => {
    const [client, other] = [clients[number % CLIENTS]!, clients[(number + 1) % CLIENTS]!];
    while (!isDone()) await buyAndChangeMinds(show, story, { client, other, row: number });
  };
  const watch = async () => {
    while (!isDone()) {
      versions.push((await seatMapVersions(system.db, [show.id])).get(show.id)!);
      runIds.add((await system.temporal.workflow.getHandle(`show/${show.id}`).describe()).runId);
    }
  };
  await Promise.all([watch(), ...Array.from({ length: CLIENTS * LANES_PER_CLIENT }, (_, number) => lane(number))]);

  const view = await viewOf(system, show.id);
  // Twice applied, or lost after it was answered, a command would count more or less.
  expect(view.version).toBe(story.changes);
  expect(ownersIn(view)).toEqual(sorted(story.owners));
  expect(versions).toEqual([...versions].sort((a, b) => a - b));
  await eventually(async () =>
    expect(await loadSeatMap(system.db, show.id)).toMatchObject({ version: view.version, statuses: view.statuses }),
  );

  for (const runId of runIds) expect(await historyLengthOf(show, runId)).toBeLessThan(EVENTS_PER_RUN_MAX);

  // What happened in earlier runs is remembered in this one.
  const [oldest] = story.ended;
  expect(await clients[0]!.seatCommand(show.id, oldest!.hold)).toMatchObject({
    ok: false,
    refusal: 'HOLD_ENDED',
    seats: oldest!.seats,
  });
  for (const [bookingId, { seats, booked }] of [...story.owners].slice(0, 10)) {
    const again = booked
      ? ({ kind: 'confirm', bookingId, buyerId: 'usr', seats, reclaim: false } as const)
      : holdOf(bookingId, seats);
    expect(await clients[0]!.seatCommand(show.id, again)).toMatchObject({ ok: true, seats });
  }
  const after = await viewOf(system, show.id);
  expect(after.version).toBe(view.version);
}, 180_000);

const sorted = (owners: ReadonlyMap<string, Owner>) => [...owners].sort(([a], [b]) => (a < b ? -1 : 1));

function ownersIn({ claims, statuses }: SeatMapView): [string, Owner][] {
  const owners = claims.bookingIds.map((id, index): [string, Owner] => {
    const seats = claims.seats[index]!;
    return [id, { seats, booked: statuses[seats[0]!] === 'b' }];
  });
  return sorted(new Map(owners));
}
