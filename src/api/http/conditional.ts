import type { IncomingMessage } from 'node:http';
import { encodings, type EncodedBody, type Encoding } from '../../platform/encoded-body.ts';
import type { Answer } from './answer.ts';

/** The content encoding that the client likes best, ours first where it likes several equally. */
export function preferredEncoding(headers: IncomingMessage['headers']): Encoding {
  const header = headers['accept-encoding'];
  if (typeof header !== 'string' || header === '') return 'identity';
  const weights = new Map<string, number>();
  for (const part of header.split(',')) {
    const [name = '', ...parameters] = part.split(';');
    const quality = parameters.map((each) => /^\s*q=([0-9.]+)\s*$/i.exec(each)?.[1]).find((each) => each !== undefined);
    weights.set(name.trim().toLowerCase(), quality === undefined ? 1 : Number(quality));
  }
  const weightOf = (encoding: Encoding): number =>
    weights.get(encoding) ?? weights.get('*') ?? (encoding === 'identity' ? Number.MIN_VALUE : 0);
  const best = encodings.reduce((one, other) => (weightOf(other) > weightOf(one) ? other : one));
  return weightOf(best) > 0 ? best : 'identity';
}

/** The entity tags of `If-None-Match`, without their quotes and without the mark of weak ones. */
export function shownTags(headers: IncomingMessage['headers']): readonly string[] {
  const header = headers['if-none-match'];
  if (!header) return [];
  return header.split(',').map((tag) =>
    tag
      .trim()
      .replace(/^W\//, '')
      .replace(/^"(.*)"$/, '$1'),
  );
}

/** An entity tag, with its quotes, of one encoding of what `tag` names. */
export const entityTag = (tag: string, encoding: Encoding): string => `"${tag}${suffixes[encoding]}"`;

const suffixes = { identity: '', gzip: '-gz', br: '-br' } as const;

/**
 * The body in the encoding the client likes best, under a strong entity tag of its own; 304 where the client has it.
 * @param tag names the body's version, `shw_x-v42`, without quotes.
 */
export async function conditionalAnswer(
  headers: IncomingMessage['headers'],
  body: EncodedBody,
  tag: string,
  cacheControl: string,
): Promise<Answer> {
  const encoding = preferredEncoding(headers);
  const encodedTag = `${tag}${suffixes[encoding]}`;
  const common = { ETag: `"${encodedTag}"`, 'Cache-Control': cacheControl, Vary: 'Accept-Encoding' };
  const shown = shownTags(headers);
  if (shown.includes(encodedTag) || shown.includes('*')) return { status: 304, headers: common };
  const bytes = await body.in(encoding);
  return {
    status: 200,
    headers: encoding === 'identity' ? common : { ...common, 'Content-Encoding': encoding },
    bytes,
  };
}
