import type { Endpoint } from '../../src/contracts/http/endpoint.ts';
import { endpoints, everyEndpoint } from '../../src/contracts/http/endpoints.ts';
import type { Problem } from '../../src/contracts/http/problems.ts';
import { documentedCodes } from '../security/documented.ts';

const patterns = everyEndpoint.map((endpoint) => ({
  endpoint,
  path: new RegExp(`^${endpoint.path.replace(/\{\w+\}/g, '[^/]+')}$`),
}));

/** A plan has, besides what the contract names, how its hall is drawn. */
const mayHaveMore: ReadonlySet<Endpoint> = new Set<Endpoint>([endpoints.getSeatingPlan, endpoints.importSeatingPlan]);

const endpointOf = (method: string, pathAndQuery: string): Endpoint | undefined => {
  const [path = ''] = pathAndQuery.split('?');
  return patterns.find((each) => each.endpoint.method.toUpperCase() === method && each.path.test(path))?.endpoint;
};

/** A success has the status and the fields that its endpoint declares, all of them and no others. */
export function expectDeclared(method: string, pathAndQuery: string, status: number, body: unknown): void {
  const endpoint = endpointOf(method, pathAndQuery);
  if (!endpoint) return;
  const answer = endpoint.answers[status];
  expect(answer).toBeDefined();
  if (!answer?.schema) return expect(body).toBe('');
  // What the schema does not know is left out by it.
  const declared = answer.schema.parse(body) as object;
  if (mayHaveMore.has(endpoint)) expect(body).toMatchObject(declared);
  else expect(body).toEqual(declared);
}

/** A refusal, or a failure, has a code that the document names for its call and status. */
export function expectDeclaredProblem(method: string, pathAndQuery: string, status: number, body: unknown): void {
  const endpoint = endpointOf(method, pathAndQuery);
  if (!endpoint) return;
  const code = typeof body === 'object' ? (body as Problem).code : null;
  if (code === null || !documentedCodes(endpoint, status)?.includes(code))
    throw new Error(`${endpoint.operationId} answers ${status} ${code ?? String(body)}, which it does not declare`);
}
