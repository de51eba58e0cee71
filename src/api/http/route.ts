import express, { type Request, type RequestHandler, type Response } from 'express';
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { BodyOf, Endpoint, ParamsOf, QueryOf } from '../../contracts/http/endpoint.ts';
import { BODY_LIMIT_BYTES } from '../../contracts/http/endpoints.ts';
import type { Caller } from '../accounts/tokens.ts';
import { idempotencyKeyOf } from '../idempotency/idempotency-key.ts';
import { sendAnswer, type Answer } from './answer.ts';
import { ApiError } from './api-error.ts';
import { withKey } from './rate-limits.ts';
import { pathOf, requestIdOf } from './request-ids.ts';
import { fieldErrors, notFound, validationFailed } from './problem.ts';

/** A request after every check that its endpoint asks for. */
export interface Call<E extends Endpoint = Endpoint> {
  readonly params: ParamsOf<E>;
  readonly query: QueryOf<E>;
  readonly body: BodyOf<E>;
  /** Null where anyone may call. */
  readonly caller: E['access'] extends 'anyone' ? null : Caller;
  readonly idempotencyKey: E['idempotencyKey'] extends 'required' ? string : string | null;
  /** Address of the client, IPv6 as it came. */
  readonly ip: string;
  readonly headers: IncomingMessage['headers'];
  /** As it was asked for, without the query. */
  readonly path: string;
  readonly requestId: string;
}

export type Handler<E extends Endpoint> = (call: Call<E>) => Answer | Promise<Answer>;

/** An endpoint with what answers it. */
export interface Route {
  readonly endpoint: Endpoint;
  readonly handler: Handler<Endpoint>;
}

export const route = <E extends Endpoint>(endpoint: E, handler: Handler<E>): Route => ({
  endpoint,
  // The call is built from this endpoint's own schemas, so its handler may rely on their types.
  handler: handler,
});

export interface Gate {
  /** Who calls. @throws ApiError UNAUTHENTICATED */
  authenticate(authorization: string | undefined): Promise<Caller>;
  /** @throws ApiError RATE_LIMITED */
  admit(limit: string, caller: Caller | null, ip: string): Promise<void>;
}

/** A request as it comes in, before any check. */
export interface Incoming extends Pick<Call, 'ip' | 'headers' | 'path' | 'requestId'> {
  readonly params: unknown;
  readonly query: unknown;
  /** Undefined: there is none. @throws what `toApiError` knows */
  readonly readBody: () => Promise<unknown>;
}

/** Checks in the order in which they cost least: path, caller, rate, query, key, body. Then the handler. */
export function answering({ endpoint, handler }: Route, gate: Gate): (incoming: Incoming) => Promise<Answer> {
  return async ({ readBody, ...incoming }) => {
    const { ip, headers, path, requestId } = incoming;
    const params = checkedParams(endpoint, incoming.params);
    const caller = endpoint.access === 'anyone' ? null : await gate.authenticate(headers.authorization);
    if (caller && !endpoint.access.includes(caller.role)) {
      throw new ApiError('FORBIDDEN', `The role ${caller.role} may not do this.`);
    }
    await gate.admit(endpoint.operationId, caller, ip);
    const query = checked(endpoint.query, endpoint.query ? incoming.query : undefined);
    const idempotencyKey =
      endpoint.idempotencyKey === 'none' ? null : idempotencyKeyOf(headers, endpoint.idempotencyKey === 'required');
    if (idempotencyKey !== null) await gate.admit(withKey(endpoint.operationId), caller, ip);
    const sent = await readBody();
    const body =
      endpoint.body === 'raw' ? ((sent as Buffer | undefined) ?? Buffer.alloc(0)) : checked(endpoint.body, sent);
    return handler({ params, query, body, caller, idempotencyKey, ip, headers, path, requestId } as Call);
  };
}

/** As a handler of Express. */
export function requestHandler(route: Route, gate: Gate): RequestHandler {
  const readBody = bodyReader(route.endpoint);
  const answerTo = answering(route, gate);
  return async (req, res) => {
    const { params, headers } = req;
    const answer = await answerTo({
      params,
      headers,
      ip: req.ip ?? '',
      path: pathOf(req),
      requestId: requestIdOf(req),
      get query() {
        return req.query;
      },
      readBody: async () => {
        await readBody(req, res);
        return req.body as unknown;
      },
    });
    sendAnswer(res, answer);
  };
}

function checkedParams(endpoint: Endpoint, params: unknown): unknown {
  if (!endpoint.params) return {};
  const parsed = endpoint.params.safeParse(params);
  if (!parsed.success) throw notFound('resource');
  return parsed.data;
}

function checked(schema: Exclude<Endpoint['body'], 'raw'>, value: unknown): unknown {
  if (!schema) return undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw validationFailed(fieldErrors(parsed.error.issues));
}

type BodyReader = (req: Request, res: Response) => Promise<void>;

function bodyReader(endpoint: Endpoint): BodyReader {
  if (!endpoint.body) return () => Promise.resolve();
  const limit = endpoint.bodyLimit ?? BODY_LIMIT_BYTES;
  if (endpoint.body === 'raw') return reader(express.raw({ limit, type: () => true, inflate: false }));
  const read = reader(express.json({ limit, strict: false, type: () => true, verify: refuseOtherThanUtf8 }));
  return async (req, res) => {
    if (!hasBody(req)) return;
    if (!req.is('application/json')) throw new ApiError('UNSUPPORTED_MEDIA_TYPE', 'Send JSON, as application/json.');
    await read(req, res);
  };
}

const reader =
  (parse: RequestHandler): BodyReader =>
  (req, res) =>
    new Promise((resolve, reject) => {
      void parse(req, res, (error?: unknown) => {
        if (error instanceof Error) reject(error);
        else resolve();
      });
    });

const hasBody = (req: Request): boolean =>
  req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;

/** Otherwise broken bytes would become replacement characters and be taken for what the client meant. */
function refuseOtherThanUtf8(_req: unknown, _res: unknown, bytes: Buffer): void {
  if (!isUtf8(bytes)) throw new Error('not UTF-8');
}
