import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { signAccessToken, signStaffToken } from '../../src/api/accounts/tokens.ts';
import type { Role } from '../../src/contracts/http/accounts.ts';
import { newGuest, staff } from '../api/http-client.ts';
import { openShow } from '../setup/shows.ts';
import { testSecrets, type TestSystem } from '../setup/system.ts';
import type { Targets } from './attack.ts';

/** Everyone whom the API knows apart; `anonymous` has no token. */
export const attackers = ['anonymous', 'guest', 'theatre_owner', 'support', 'admin'] as const;
export type Attacker = (typeof attackers)[number];

/** Longer than any attack. */
const TOKEN_TTL_SECONDS = 2 * 3_600;

export interface AttackedSystem {
  readonly targets: Targets;
  readonly tokens: Readonly<Record<Attacker, string | null>>;
  close(): Promise<void>;
}

/** Shows on sale, bookings of the guest in several states, and one of everything that staff has. */
export async function prepareTargets(system: TestSystem): Promise<AttackedSystem> {
  const apiUrl = system.apiUrls[0]!;
  const [guest, admin] = [await newGuest(apiUrl), await staff(apiUrl)];
  const [show, other] = [await openShow(system), await openShow(system)];
  const partner = await startPartner();
  const held = await guest.held(show.id, ['A1']);
  const paid = await guest.held(show.id, ['B1', 'B2']);
  await guest.pay(paid.id, 'tok_ok');
  const made = async (path: string, body: unknown) => (await admin.post<{ readonly id: string }>(path, body)).body.id;
  const endpoint = await made('/admin/webhook-endpoints', { url: partner.url });
  const reconciliation = await made('/admin/reconciliations', window);
  return {
    targets: {
      apiUrl,
      partnerUrl: partner.url,
      seatIds: ['A2', 'A3', 'B1', 'C4', 'C5', 'D1', 'D2', 'E9', 'E10'],
      ids: {
        show: [show.id, other.id],
        booking: [held.id, paid.id],
        plan: [show.seatingPlanId],
        theatre: [show.theatreId],
        movie: [show.movieId],
        screen: [show.screenId],
        city: [show.cityId],
        endpoint: [endpoint],
        reconciliation: [reconciliation],
      },
    },
    tokens: { anonymous: null, guest: await guestToken(guest.userId!), ...(await staffTokens()) },
    close: async () => {
      partner.server.closeAllConnections();
      partner.server.close();
      await once(partner.server, 'close');
    },
  };
}

const window = { from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z', dryRun: true };

const guestToken = (userId: string): Promise<string> =>
  signAccessToken(testSecrets.JWT_SECRET, { userId, role: 'guest' }, Math.floor(Date.now() / 1_000), TOKEN_TTL_SECONDS);

async function staffTokens() {
  const of = (role: Extract<Role, 'admin' | 'theatre_owner' | 'support'>) =>
    signStaffToken(testSecrets.JWT_SECRET, role, TOKEN_TTL_SECONDS);
  return { admin: await of('admin'), theatre_owner: await of('theatre_owner'), support: await of('support') };
}

async function startPartner(): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer((_req, res) => res.end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server };
}

/** Webhooks may go to the partner above, and nobody is counted. */
export const attackSettings = {
  WEBHOOK_PRIVATE_TARGETS: 'allowed',
  RATE_LIMIT: 'off',
  HOLD_TTL_SECONDS: '600',
  PAYMENT_DEADLINE_SECONDS: '20',
  // Who has the newest map already hears nothing else of a show that is quiet.
  WATCH_HEARTBEAT_SECONDS: '1',
};
