import { type z } from 'zod';
import type { ErrorCode } from '../error-codes.ts';
import type { Role } from './accounts.ts';

export interface AnswerSpec {
  readonly description: string;
  /** Absent: no body. */
  readonly schema?: z.ZodType;
  /** Of the body, where it is not JSON. */
  readonly contentType?: string;
  /** The same in another form, for whoever asks for it by `Accept`. */
  readonly alsoAs?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * One call of the REST contract: what validates it, what it answers, who may make it. The router and the OpenAPI
 * document are both made of these.
 */
export interface Endpoint {
  readonly operationId: string;
  readonly method: 'get' | 'post' | 'patch' | 'delete';
  /** Below the base path, parameters in braces: `/bookings/{id}`. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  /** `anyone` needs no token; otherwise the roles that may make the call. */
  readonly access: 'anyone' | readonly Role[];
  readonly idempotencyKey: 'none' | 'accepted' | 'required';
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** `raw`: the handler gets the bytes, of any content type. */
  readonly body?: z.ZodType | 'raw';
  /** Largest body in bytes where it is not `BODY_LIMIT_BYTES`. */
  readonly bodyLimit?: number;
  readonly answers: Readonly<Record<number, AnswerSpec>>;
  /** Codes beyond those that every call may answer. */
  readonly errors: readonly ErrorCode[];
}

/** Keeps the literal types of the schemas, and checks the shape. */
export const defineEndpoint = <const E extends Endpoint>(endpoint: E): E => endpoint;

type Output<Schema, Otherwise> = Schema extends z.ZodType ? z.output<Schema> : Otherwise;
export type ParamsOf<E extends Endpoint> = Output<E['params'], Record<string, never>>;
export type QueryOf<E extends Endpoint> = Output<E['query'], Record<string, never>>;
export type BodyOf<E extends Endpoint> = E['body'] extends 'raw' ? Buffer : Output<E['body'], undefined>;
