import type { Endpoint } from '../../src/contracts/http/endpoint.ts';
import { endpoints, everyEndpoint } from '../../src/contracts/http/endpoints.ts';

const patterns = everyEndpoint.map((endpoint) => ({
  endpoint,
  path: new RegExp(`^${endpoint.path.replace(/\{\w+\}/g, '[^/]+')}$`),
}));

/** A plan has, besides what the contract names, how its hall is drawn. */
const mayHaveMore: ReadonlySet<Endpoint> = new Set<Endpoint>([endpoints.getSeatingPlan, endpoints.importSeatingPlan]);

/** A success has the status and the fields that its endpoint declares, all of them and no others. */
export function expectDeclared(method: string, pathAndQuery: string, status: number, body: unknown): void {
  const [path = ''] = pathAndQuery.split('?');
  const found = patterns.find((each) => each.endpoint.method.toUpperCase() === method && each.path.test(path));
  if (!found) return;
  const answer = found.endpoint.answers[status];
  expect(answer).toBeDefined();
  if (!answer?.schema) return expect(body).toBe('');
  // What the schema does not know is left out by it.
  const declared = answer.schema.parse(body) as object;
  if (mayHaveMore.has(found.endpoint)) expect(body).toMatchObject(declared);
  else expect(body).toEqual(declared);
}
