import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { ApiDoor, CallAnswer } from './api-call.ts';
import type { AuditScene } from './audit.ts';
import { guestTokens } from './guests.ts';

/** As promised: free again within a second after its time. */
const FREE_WITHIN_MS = 1_000;
/** Before its time by more than an answer takes; twice as much each time that it was too little. */
const BEFORE_MS = 300;
const TRIES = 10;
const PROBES = 3;

/** Holds seats that nobody pays, and tries to take them for somebody else just before their time and a second after it. */
export async function judgeExpiry({ doors, expiryShow }: AuditScene): Promise<string[]> {
  const [owner, other] = await guestTokens(doors[0]!, 2);
  const row = expiryShow.rows[0]!;
  const pairs = [row.slice(0, 2), row.slice(2, 4)];
  const found = await Promise.all(pairs.map((pair) => judge(doors, expiryShow.id, pair, owner!, other!)));
  return found.flat();
}

async function judge(
  doors: readonly ApiDoor[],
  showId: string,
  seatIds: readonly string[],
  owner: string,
  other: string,
): Promise<string[]> {
  for (let turn = 1; turn <= PROBES; turn++) {
    const broken = await probe(doors, showId, seatIds, { owner, other, beforeMs: BEFORE_MS * 2 ** (turn - 1) });
    if (broken !== null) return broken;
  }
  return [`nobody could be asked for seats ${seatIds.join()} just before their hold's time, ${PROBES} times`];
}

/** Null where the one who asked just before the time was told neither that the seats are taken nor that they are theirs. */
async function probe(
  doors: readonly ApiDoor[],
  showId: string,
  seatIds: readonly string[],
  { owner, other, beforeMs }: { readonly owner: string; readonly other: string; readonly beforeMs: number },
): Promise<string[] | null> {
  const seats = `seats ${seatIds.join()}`;
  const hold = (token: string, turn: number) =>
    doors[turn % doors.length]!.call('POST', '/bookings', { token, key: randomUUID(), body: { showId, seatIds } });
  let expiresAtMs = NaN;
  for (let turn = 0; turn < TRIES && Number.isNaN(expiresAtMs); turn++) {
    const held = await hold(owner, turn);
    if (held.status === 201) expiresAtMs = Date.parse(String(held.body.expiresAt));
    else await delay(1_000);
  }
  if (Number.isNaN(expiresAtMs)) return [`no hold of ${seatIds.join()} was granted after everything was healed`];
  await delay(expiresAtMs - beforeMs - Date.now());
  const askedMs = Date.now();
  const early = await hold(other, 0);
  if (early.status === 201) {
    if (Date.now() < expiresAtMs) {
      return [`${seats} were given to another ${expiresAtMs - askedMs} ms before their hold's time`];
    }
    await giveBack(doors, early.body.id, other);
    return null;
  }
  await delay(expiresAtMs + FREE_WITHIN_MS - Date.now());
  const late = await answered(() => hold(other, 1));
  if (late.status !== 201) {
    return [`${seats} were not free a second after their hold's time: ${JSON.stringify(late)}`];
  }
  await giveBack(doors, late.body.id, other);
  return early.status === 409 ? [] : null;
}

const giveBack = (doors: readonly ApiDoor[], bookingId: unknown, token: string) =>
  doors[0]!.call('DELETE', `/bookings/${String(bookingId)}`, { token });

/** Who is told to come again later has not been told whose the seats are. */
async function answered(ask: () => Promise<CallAnswer>): Promise<CallAnswer> {
  for (let turn = 1; ; turn++) {
    const answer = await ask();
    if (turn === TRIES || (answer.status !== 503 && answer.status !== 429)) return answer;
    await delay(1_000);
  }
}
