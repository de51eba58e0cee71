import { setTimeout as delay } from 'node:timers/promises';
import type { ApiDoor } from './api-call.ts';
import type { AuditScene } from './audit.ts';
import { guestTokens } from './guests.ts';

/** As promised: free again within a second after its time. */
const FREE_WITHIN_MS = 1_000;
/** Before its time by more than an answer takes on a busy machine. */
const BEFORE_MS = 300;
const TRIES = 10;

/** Holds seats that nobody pays, and tries to take them for somebody else just before their time and a second after it. */
export async function judgeExpiry({ doors, probeShow }: AuditScene): Promise<string[]> {
  const [owner, other] = await guestTokens(doors[0]!, 2);
  // The last row is not the probers'.
  const row = probeShow.rows.at(-1)!;
  const pairs = [row.slice(0, 2), row.slice(2, 4)];
  const found = await Promise.all(pairs.map((pair) => judge(doors, probeShow.id, pair, owner!, other!)));
  return found.flat();
}

async function judge(
  doors: readonly ApiDoor[],
  showId: string,
  seatIds: readonly string[],
  owner: string,
  other: string,
): Promise<string[]> {
  const body = { showId, seatIds };
  const hold = (token: string, key: string, turn: number) =>
    doors[turn % doors.length]!.call('POST', '/bookings', {
      token,
      key: `expiry-${showId}-${seatIds[0]}-${key}`,
      body,
    });
  let expiresAtMs = NaN;
  for (let turn = 0; turn < TRIES && Number.isNaN(expiresAtMs); turn++) {
    const held = await hold(owner, `owner-${turn}`, turn);
    if (held.status === 201) expiresAtMs = Date.parse(String(held.body.expiresAt));
    else await delay(1_000);
  }
  if (Number.isNaN(expiresAtMs)) return [`no hold of ${seatIds.join()} was granted after everything was healed`];
  await delay(expiresAtMs - BEFORE_MS - Date.now());
  const askedMs = Date.now();
  const early = await hold(other, 'early', 0);
  const broken: string[] = [];
  if (early.status === 201 && Date.now() < expiresAtMs) {
    broken.push(`seats ${seatIds.join()} were given to another ${expiresAtMs - askedMs} ms before their hold's time`);
  }
  if (early.status === 201) return broken;
  await delay(expiresAtMs + FREE_WITHIN_MS - Date.now());
  const late = await hold(other, 'late', 1);
  if (late.status !== 201) {
    return [
      ...broken,
      `seats ${seatIds.join()} were not free a second after their hold's time: ${JSON.stringify(late)}`,
    ];
  }
  await doors[0]!.call('DELETE', `/bookings/${String(late.body.id)}`, { token: other });
  return broken;
}
