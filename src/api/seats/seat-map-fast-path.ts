import type { IncomingMessage, ServerResponse } from 'node:http';
import { BASE_PATH, endpoints } from '../../contracts/http/endpoints.ts';
import type { EncodedBody, Encoding } from '../../platform/encoded-body.ts';
import { LruMap } from '../../platform/lru-map.ts';
import type { AppDeps } from '../app-deps.ts';
import { entityTag, preferredEncoding, shownTags } from '../http/conditional.ts';
import { newRequestId } from '../http/request-ids.ts';
import { securityHeaderList } from '../http/security-headers.ts';
import { ASK_AGAIN, newestSeen, seatMapTag } from './seat-routes.ts';

const PREFIX = `${BASE_PATH}/shows/`;
const SUFFIX = '/seats';
/** Browsers send a handful of different ones. */
const ACCEPT_ENCODINGS_KEPT_MAX = 64;

/** One version of a map in one encoding, ready to be sent. */
interface PreparedAnswer {
  readonly tag: string;
  /** Its bytes, one a character: as a string it goes out in one piece with its head, as a buffer it would not. */
  readonly body: string;
  readonly full: string[];
  readonly notModified: string[];
}

type FastPath = (req: IncomingMessage, res: ServerResponse) => boolean;

/**
 * Answers `GET /shows/{id}/seats`, of which there are a thousand for each booking, before Express sees it: from what was
 * prepared once for all readers of that version. False: it is not as simple as that (another path, a query, a map that
 * has to be loaded or made in that encoding first, debug lines to be written), and the route behind answers the same.
 * The route has no rate limit and asks for no token; should it ever, this has to go.
 */
export function createSeatMapFastPath({ seatMaps, metrics, logger }: AppDeps): FastPath {
  const { path, method } = endpoints.getSeatMap;
  const security = securityHeaderList();
  const encodingOf = rememberedEncodings();
  const prepared = new WeakMap<EncodedBody, Partial<Record<Encoding, PreparedAnswer>>>();

  function prepare(showId: string, version: number, body: EncodedBody, encoding: Encoding): PreparedAnswer | null {
    const bytes = body.made(encoding);
    if (!bytes) return null;
    const answer = preparedAnswer(entityTag(seatMapTag(showId, version), encoding), encoding, bytes, security);
    prepared.set(body, { ...prepared.get(body), [encoding]: answer });
    return answer;
  }

  return (req, res) => {
    const url = req.url!;
    if (!url.endsWith(SUFFIX) || !url.startsWith(PREFIX) || req.method !== 'GET') return false;
    const startedAt = performance.now();
    const showId = url.slice(PREFIX.length, -SUFFIX.length);
    const map = seatMaps.current(showId);
    if (!map || logger.isLevelEnabled('debug')) return false;
    const encoding = encodingOf(req);
    const answer = prepared.get(map.body)?.[encoding] ?? prepare(showId, map.version, map.body, encoding);
    if (!answer) return false;
    const isShown = req.headers['if-none-match'] === answer.tag || showsTag(req, answer.tag);
    if (!isShown && newestSeen(showId, shownTags(req.headers)) > map.version) return false;
    send(req, res, answer, isShown);
    metrics.request(path, method, isShown ? 304 : 200, (performance.now() - startedAt) / 1_000);
    return true;
  };
}

function showsTag({ headers }: IncomingMessage, quotedTag: string): boolean {
  if (headers['if-none-match'] === undefined) return false;
  const shown = shownTags(headers);
  return shown.includes(quotedTag.slice(1, -1)) || shown.includes('*');
}

function send(req: IncomingMessage, res: ServerResponse, answer: PreparedAnswer, isShown: boolean): void {
  const headers = isShown ? answer.notModified : answer.full;
  headers[REQUEST_ID_AT] = newRequestId(req);
  res.writeHead(isShown ? 304 : 200, headers);
  if (isShown) res.end();
  else res.end(answer.body, 'latin1');
}

/** Place of the one value that differs between two answers; they are written out before the next one is. */
const REQUEST_ID_AT = 1;

function preparedAnswer(tag: string, encoding: Encoding, bytes: Buffer, security: readonly string[]): PreparedAnswer {
  const common = ['ETag', tag, 'Cache-Control', ASK_AGAIN, 'Vary', 'Accept-Encoding'];
  const notModified = ['X-Request-Id', '', ...security, ...common];
  const content = ['Content-Type', 'application/json; charset=utf-8', 'Content-Length', String(bytes.length)];
  const encoded = encoding === 'identity' ? [] : ['Content-Encoding', encoding];
  return { tag, body: bytes.toString('latin1'), notModified, full: [...notModified, ...content, ...encoded] };
}

function rememberedEncodings(): (req: IncomingMessage) => Encoding {
  const remembered = new LruMap<string, Encoding>(ACCEPT_ENCODINGS_KEPT_MAX);
  return ({ headers }) => {
    const header = headers['accept-encoding'];
    if (typeof header !== 'string') return 'identity';
    const known = remembered.peek(header);
    if (known) return known;
    const encoding = preferredEncoding(headers);
    remembered.set(header, encoding);
    return encoding;
  };
}
