import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { loopback } from './process-limits.ts';

const services = ['frontend', 'history', 'matching', 'worker'] as const;

/** Ports by which the server's four services find each other, in one process too. */
export type MembershipPorts = Readonly<Record<(typeof services)[number], number>>;

/**
 * Temporal's table of members has a signed 16-bit column for the port: with a higher one the server does not start.
 * The ports that an operating system hands out are higher, so these are chosen here.
 */
const portMax = 32_767;
const portMin = 20_000;
/** A thousandth of the range is in use on a busy machine; so many tries fail only when something else is wrong. */
const triesMax = 200;

/** Four distinct ports that are free on loopback now. */
export async function chooseMembershipPorts(): Promise<MembershipPorts> {
  const chosen = new Set<number>();
  for (let tries = 0; chosen.size < services.length; tries++) {
    if (tries === triesMax) throw new Error(`No free ports between ${portMin} and ${portMax} on ${loopback}.`);
    const port = randomInt(portMin, portMax + 1);
    if (!chosen.has(port) && (await isFree(port))) chosen.add(port);
  }
  const [frontend, history, matching, worker] = [...chosen] as [number, number, number, number];
  return { frontend, history, matching, worker };
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, loopback);
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
