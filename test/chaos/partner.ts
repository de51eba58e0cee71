import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { signStaffToken } from '../../src/api/accounts/tokens.ts';
import { ApiDoor } from './api-call.ts';

const TOKEN_TTL_SECONDS = 24 * 3_600;

/** A partner of the service, who is told of every event by a webhook: what it was told is what left the outbox. */
export class Partner {
  /** Ids of the events that came. */
  readonly heard = new Set<string>();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(api: string, jwtSecret: string): Promise<Partner> {
    const server = createServer((request, response) => {
      partner.heard.add(String(request.headers['webhook-id']));
      request.resume();
      response.writeHead(204).end();
    });
    const partner = new Partner(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const door = new ApiDoor(api);
    const token = await signStaffToken(jwtSecret, 'admin', TOKEN_TTL_SECONDS);
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`;
    const answer = await door.call('POST', '/admin/webhook-endpoints', { token, body: { url } });
    await door.close();
    if (answer.status !== 201) throw new Error(`no webhook endpoint: ${JSON.stringify(answer)}`);
    return partner;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
