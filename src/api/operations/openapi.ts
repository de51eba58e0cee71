import { OpenApiGeneratorV31, OpenAPIRegistry, type RouteConfig } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { errorCodes, type ErrorCode } from '../../contracts/error-codes.ts';
import type { AnswerSpec, Endpoint } from '../../contracts/http/endpoint.ts';
import { BASE_PATH, everyEndpoint } from '../../contracts/http/endpoints.ts';
import { liveness, readiness } from '../../contracts/http/operations.ts';
import { problemSchema } from '../../contracts/http/problems.ts';
import { idempotencyKeyPattern } from '../idempotency/idempotency-key.ts';

const BEARER = 'bearer';

/** The OpenAPI document, made of the schemas that validate requests. */
export function openApiDocument() {
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', BEARER, { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' });
  for (const endpoint of everyEndpoint) registry.registerPath(pathOf(endpoint));
  for (const path of operations) registry.registerPath(path);
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'Seatkeeper',
      version: '1',
      description:
        'Sells reserved seats. Errors are RFC 9457 problems, each with a `code`. ' +
        'City data of the demo catalogue: GeoNames (geonames.org), CC BY 4.0.',
    },
    servers: [{ url: '/' }],
  });
}

function pathOf(endpoint: Endpoint): RouteConfig {
  const { operationId, method, path, tag, summary, access, params, query, body } = endpoint;
  const headers = headersOf(endpoint);
  return {
    operationId,
    method,
    path: `${BASE_PATH}${path}`,
    tags: [tag],
    summary,
    ...(access !== 'anyone' && {
      security: [{ [BEARER]: [] }],
      description: `Roles: ${access.join(', ')}.`,
    }),
    request: { ...(params && { params }), ...(query && { query }), ...(headers && { headers }), ...requestBody(body) },
    responses: { ...answers(endpoint.answers), ...problems(endpoint) },
  };
}

const idempotencyKey = z
  .string()
  .regex(idempotencyKeyPattern)
  .meta({ description: 'The same key and body get the same answer; for 24 hours at least' });

function headersOf({ idempotencyKey: use }: Endpoint): z.ZodObject | null {
  if (use === 'none') return null;
  return z.object({ 'Idempotency-Key': use === 'required' ? idempotencyKey : idempotencyKey.optional() });
}

function requestBody(body: Endpoint['body']): Pick<NonNullable<RouteConfig['request']>, 'body'> {
  if (!body) return {};
  const schema = body === 'raw' ? z.looseObject({}).meta({ description: "In the provider's own words" }) : body;
  const required = !schema.safeParse(undefined).success;
  return { body: { required, content: { 'application/json': { schema } } } };
}

function answers(specs: Endpoint['answers']): RouteConfig['responses'] {
  return Object.fromEntries(
    Object.entries(specs).map(
      ([status, { description, schema, contentType = 'application/json', alsoAs, headers }]) => [
        status,
        {
          description,
          ...(schema && {
            content: {
              [contentType]: { schema },
              ...(alsoAs && { [alsoAs]: { schema: { type: 'string', format: 'binary' } } }),
            },
          }),
          ...(headers && { headers: documented(headers) }),
        },
      ],
    ),
  );
}

const documented = (headers: NonNullable<AnswerSpec['headers']>) =>
  Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [name, { description, schema: { type: 'string' as const } }]),
  );

/** Codes that this call may answer, by status. */
function problems(endpoint: Endpoint): RouteConfig['responses'] {
  const byStatus = Map.groupBy(codesOf(endpoint), (code) => errorCodes[code][0]);
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      status,
      {
        description: codes.map((code) => `\`${code}\`: ${errorCodes[code][1]}`).join('\n\n'),
        content: { 'application/problem+json': { schema: problemSchema } },
      },
    ]),
  );
}

function codesOf(endpoint: Endpoint): Set<ErrorCode> {
  const { body, query, params, access, idempotencyKey: key, errors } = endpoint;
  return new Set<ErrorCode>([
    ...errors,
    ...(body || query || key !== 'none' ? (['VALIDATION_FAILED'] as const) : []),
    ...(body && body !== 'raw' ? (['MALFORMED_JSON', 'UNSUPPORTED_MEDIA_TYPE'] as const) : []),
    ...(body ? (['BODY_TOO_LARGE'] as const) : []),
    ...(key === 'required' ? (['IDEMPOTENCY_KEY_REQUIRED'] as const) : []),
    ...(params ? (['NOT_FOUND'] as const) : []),
    ...(access === 'anyone' ? [] : (['UNAUTHENTICATED', 'FORBIDDEN'] as const)),
    'RATE_LIMITED',
    'INTERNAL',
    'UNAVAILABLE',
    'TIMEOUT',
  ]);
}

const operations: readonly RouteConfig[] = [
  {
    operationId: 'isLive',
    method: 'get',
    path: '/health/live',
    tags: ['Operations'],
    summary: 'The process runs',
    responses: { 200: { description: 'It does', content: { 'application/json': { schema: liveness } } } },
  },
  {
    operationId: 'isReady',
    method: 'get',
    path: '/health/ready',
    tags: ['Operations'],
    summary: 'Everything that is needed to sell answers',
    responses: {
      200: { description: 'Ready', content: { 'application/json': { schema: readiness } } },
      503: { description: 'Names what is missing', content: { 'application/json': { schema: readiness } } },
    },
  },
];
