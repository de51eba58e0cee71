import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import helmet from 'helmet';

/** Plain HTTP stays plain: what stands in front of us speaks TLS, and says so itself. */
export const securityHeaders = helmet({
  contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } },
  strictTransportSecurity: false,
});

/** The same as a flat list of names and values, for answers that are put together before anybody asks. */
export function securityHeaderList(): readonly string[] {
  const res = new ServerResponse(new IncomingMessage(new Socket()));
  securityHeaders(res.req, res, () => undefined);
  return Object.entries(res.getHeaders()).flatMap(([name, value]) => [name, String(value)]);
}
