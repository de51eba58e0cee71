import { openApiDocument } from '../../src/api/operations/openapi.ts';
import type { ErrorCode } from '../../src/contracts/error-codes.ts';
import { type Endpoint } from '../../src/contracts/http/endpoint.ts';
import { BASE_PATH } from '../../src/contracts/http/endpoints.ts';
import { problemSchema } from '../../src/contracts/http/problems.ts';

interface Documented {
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { schema: unknown }>> }>>;
}

const paths = openApiDocument().paths as unknown as Readonly<Record<string, Readonly<Record<string, Documented>>>>;

/** The codes that the document says this call may answer with this status; null: it says nothing of the status. */
export function documentedCodes({ path, method }: Pick<Endpoint, 'path' | 'method'>, status: number) {
  const response = paths[`${BASE_PATH}${path}`]?.[method]?.responses[String(status)];
  if (!response) return null;
  const schema = response.content?.['application/problem+json']?.schema as
    | { readonly allOf: readonly [unknown, { readonly properties: { readonly code: { readonly enum: ErrorCode[] } } }] }
    | undefined;
  return schema ? schema.allOf[1].properties.code.enum : [];
}

/** A refusal that the document has for this call: 4xx, a problem in every part, of a code that stands there. */
export function expectDocumentedRefusal(
  endpoint: Pick<Endpoint, 'path' | 'method'>,
  answer: { readonly status: number; readonly contentType: string | null; readonly body: unknown },
): void {
  const { status, contentType, body } = answer;
  if (status < 400 || status >= 500) throw new Error(`answered ${status}: ${JSON.stringify(body)}`);
  expect(contentType).toBe('application/problem+json; charset=utf-8');
  const problem = problemSchema.parse(body);
  expect(problem.status).toBe(status);
  expect(documentedCodes(endpoint, status)).toContain(problem.code);
  expect(JSON.stringify(problem)).not.toMatch(/select |insert |node_modules|temporal|\.ts:|at \w+ \(/i);
}
