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
  const definitions = [...eventData.map((schema) => ({ type: 'schema', schema }) as const), ...registry.definitions];
  return new OpenApiGeneratorV31(definitions).generateDocument({
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
    responses: { ...answers(endpoint), ...problems(endpoint) },
  };
}

const idempotencyKey = z
  .string()
  .regex(idempotencyKeyPattern)
  .meta({ description: 'The same key and body get the same answer; for 24 hours at least' });

const header = (description: string) => z.string().meta({ description });

/** Headers that the call reads, besides those of every call. */
function headersOf({ idempotencyKey: use, answers: specs, errors }: Endpoint): z.ZodObject | null {
  const headers = {
    ...(use !== 'none' && { 'Idempotency-Key': use === 'required' ? idempotencyKey : idempotencyKey.optional() }),
    ...(errors.includes('IF_MATCH_REQUIRED') && {
      'If-Match': header('ETag of what is changed, as it was read; or `*`').min(1),
    }),
    ...(specs[304] && { 'If-None-Match': header('ETag of what the client has').optional() }),
    ...(isStream(specs) && { 'Last-Event-ID': header('`id` of the last event that the client has').optional() }),
  };
  return Object.keys(headers).length === 0 ? null : z.object(headers);
}

function requestBody(body: Endpoint['body']): Pick<NonNullable<RouteConfig['request']>, 'body'> {
  if (!body) return {};
  const schema = body === 'raw' ? z.looseObject({}).meta({ description: "In the provider's own words" }) : body;
  const required = !schema.safeParse(undefined).success;
  return { body: { required, content: { 'application/json': { schema } } } };
}

function answers(endpoint: Endpoint): RouteConfig['responses'] {
  const links = linksOf(endpoint);
  return Object.fromEntries(
    Object.entries(endpoint.answers).map(
      ([status, { description, schema, contentType = 'application/json', alsoAs, headers }]) => [
        status,
        {
          description,
          ...(schema && {
            content: {
              [contentType]: { schema: contentType === EVENT_STREAM ? eventOf(schema) : schema },
              ...(alsoAs && { [alsoAs]: { schema: { type: 'string', format: 'binary' } } }),
            },
          }),
          ...(headers && { headers: documented(headers) }),
          ...(links && { links }),
        },
      ],
    ),
  );
}

/** What is made, or named, by these calls can be asked for by all those below its path. */
const leadsTo: Readonly<Record<string, readonly string[]>> = {
  createBooking: ['/bookings/{id}'],
  payBooking: ['/bookings/{id}'],
  importSeatingPlan: ['/seating-plans/{id}'],
  createTheatre: ['/theatres/{id}', '/admin/theatres/{id}'],
  createMovie: ['/movies/{id}'],
  createShow: ['/shows/{id}', '/admin/shows/{id}'],
  createWebhookEndpoint: ['/admin/webhook-endpoints/{id}'],
  startReconciliation: ['/admin/reconciliations/{id}'],
};

function linksOf({ operationId, path }: Endpoint) {
  const led = everyEndpoint.filter((each) => leadsTo[operationId]?.some((below) => each.path.startsWith(below)));
  if (led.length === 0) return null;
  const id = path.includes('{id}') ? '$request.path.id' : '$response.body#/id';
  return Object.fromEntries(
    led.map((each) => [each.operationId, { operationId: each.operationId, parameters: { id } }]),
  );
}

/** OpenAPI 3.1 has no word for a stream: what is described is each of its events, whose data are JSON as text. */
const eventOf = (data: z.ZodType) =>
  z.object({
    event: z.string(),
    id: z.string().optional(),
    data: z.string().meta({
      contentMediaType: 'application/json',
      contentSchema: { anyOf: kindsOf(data).map((kind) => ({ $ref: `#/components/schemas/${kind.meta()!.id}` })) },
    }),
  });
const EVENT_STREAM = 'text/event-stream';
const isStream = (specs: Endpoint['answers']): boolean =>
  Object.values(specs).some(({ contentType }) => contentType === EVENT_STREAM);

/** Named ones, since nothing in the document but a reference holds them. */
const kindsOf = (data: z.ZodType): readonly z.ZodType[] =>
  data instanceof z.ZodUnion ? (data.options as readonly z.ZodType[]) : [data];

const eventData = everyEndpoint.flatMap(({ answers: specs }) =>
  Object.values(specs).flatMap(({ contentType, schema }) =>
    contentType === EVENT_STREAM && schema ? kindsOf(schema) : [],
  ),
);

const documented = (headers: NonNullable<AnswerSpec['headers']>) =>
  Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [name, { description, schema: { type: 'string' as const } }]),
  );

/** Codes that this call may answer, by status: of the problem's codes, these and no others. */
function problems(endpoint: Endpoint): RouteConfig['responses'] {
  const byStatus = Map.groupBy(codesOf(endpoint), (code) => errorCodes[code][0]);
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      status,
      {
        description: codes.map((code) => `\`${code}\`: ${errorCodes[code][1]}`).join('\n\n'),
        content: { 'application/problem+json': { schema: z.intersection(problemSchema, problemOf(codes)) } },
      },
    ]),
  );
}

const problemOf = (codes: readonly ErrorCode[]) =>
  z.looseObject({ code: z.enum(codes as [ErrorCode, ...ErrorCode[]]) });

function codesOf(endpoint: Endpoint): Set<ErrorCode> {
  const { body, query, params, access, idempotencyKey: key, errors } = endpoint;
  return new Set<ErrorCode>([
    ...errors,
    ...(body || query || key !== 'none' ? (['VALIDATION_FAILED'] as const) : []),
    ...(body && body !== 'raw' ? (['MALFORMED_JSON'] as const) : []),
    ...(body ? (['UNSUPPORTED_MEDIA_TYPE', 'BODY_TOO_LARGE'] as const) : []),
    ...(key === 'required' ? (['IDEMPOTENCY_KEY_REQUIRED'] as const) : []),
    ...(key === 'none' ? [] : (['IDEMPOTENCY_KEY_REUSED'] as const)),
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
