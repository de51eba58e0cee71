import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Points at which a process of ours dies or stands still. The harness orders one by a file in a folder that all processes of the
 * cluster look into: `SIGKILL after chargePayment #3`, the third order of the run. The process that comes there first takes the order
 * by renaming it, so that it is carried out once.
 */
const folder = process.env.CHAOS_POINTS_DIR;

let orders: readonly string[] = [];
let lookedAtMs = 0;
/** A look into the folder costs some ten microseconds; points are passed some hundred times a second. */
const LOOK_EVERY_MS = 5;

/** True while somebody has ordered something at this point: for points that cost something to find out. */
export function isOrdered(point: string): boolean {
  return orderAt(point) !== undefined;
}

/** Does what is ordered here, if anything is. */
export function passing(point: string): void {
  const order = orderAt(point);
  if (order === undefined || !taken(order)) return;
  process.kill(process.pid, order.startsWith('SIGSTOP') ? 'SIGSTOP' : 'SIGKILL');
}

function orderAt(point: string): string | undefined {
  if (folder === undefined) return undefined;
  const nowMs = Date.now();
  if (nowMs - lookedAtMs > LOOK_EVERY_MS || nowMs < lookedAtMs) {
    lookedAtMs = nowMs;
    orders = readdirSync(folder);
  }
  return orders.find((order) => order.startsWith(`SIGKILL ${point} #`) || order.startsWith(`SIGSTOP ${point} #`));
}

function taken(order: string): boolean {
  try {
    renameSync(join(folder!, order), join(folder!, `taken by ${process.pid} ${order}`));
    return true;
  } catch {
    return false;
  }
}
