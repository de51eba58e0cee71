import type { RequestHandler } from 'express';
import { sendAnswer } from './answer.ts';
import { ApiError } from './api-error.ts';

/** For a path that exists: what remains is a method that it does not have, or the question which it has. */
export function otherMethods(methods: readonly string[]): RequestHandler {
  const Allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
  return (req, res) => {
    if (req.method !== 'OPTIONS') {
      throw new ApiError('METHOD_NOT_ALLOWED', `${req.method} is not allowed here.`, {}, { Allow });
    }
    sendAnswer(res, { status: 204, headers: { Allow } });
  };
}
