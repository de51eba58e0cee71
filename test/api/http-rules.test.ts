import { conditionalAnswer, preferredEncoding } from '../../src/api/http/conditional.ts';
import { networkOf, rateLimits, RateLimits } from '../../src/api/http/rate-limits.ts';
import { problemAnswer, toApiError } from '../../src/api/http/problem.ts';
import { BearerTokens, signAccessToken, signStaffToken } from '../../src/api/accounts/tokens.ts';
import { errorCodes, type ErrorCode } from '../../src/contracts/error-codes.ts';
import {
  OutcomeUnknownError,
  ShowNotRunningError,
  WorkflowBusyError,
  WorkflowUnavailableError,
} from '../../src/contracts/workflow-client.ts';
import { EncodedBody } from '../../src/platform/encoded-body.ts';
import { LruMap } from '../../src/platform/lru-map.ts';
import { ReadModelBusyError } from '../../src/read-model/errors.ts';

describe('the encoding of an answer', () => {
  test.each([
    [undefined, 'identity'],
    ['', 'identity'],
    ['gzip', 'gzip'],
    ['gzip, deflate, br', 'br'],
    ['br;q=0.1, gzip;q=0.5', 'gzip'],
    ['*', 'br'],
    ['deflate', 'identity'],
    ['*;q=0', 'identity'],
    ['identity;q=0, *;q=0', 'identity'],
    ['gzip;q=0', 'identity'],
    ['identity, gzip;q=0.5', 'identity'],
    ['GZIP', 'gzip'],
  ])('for %j is %s', (header, encoding) => {
    expect(preferredEncoding({ 'accept-encoding': header })).toBe(encoding);
  });

  test('is made once for all readers', async () => {
    const body = new EncodedBody(Buffer.from('a'.repeat(10_000)));
    const [one, other] = await Promise.all([body.in('br'), body.in('br')]);
    expect(one).toBe(other);
    const answer = await conditionalAnswer({ 'accept-encoding': 'br' }, body, 'x-v1', 'no-cache');
    expect(answer.bytes).toBe(one);
  });
});

describe("failures in the contract's words", () => {
  const pgError = (code: string) => Object.assign(new Error('select secret from users'), { code });

  test.each<[unknown, ErrorCode]>([
    [new ShowNotRunningError('show/shw_1'), 'SALES_CLOSED'],
    [new WorkflowBusyError('too many', 3_000), 'UNAVAILABLE'],
    [new WorkflowUnavailableError('grpc 14'), 'UNAVAILABLE'],
    [new OutcomeUnknownError('update timed out'), 'TIMEOUT'],
    [new ReadModelBusyError('5000 wait'), 'UNAVAILABLE'],
    [pgError('57P01'), 'UNAVAILABLE'],
    [pgError('53300'), 'UNAVAILABLE'],
    [pgError('ECONNREFUSED'), 'UNAVAILABLE'],
    [new AggregateError([pgError('ECONNREFUSED')]), 'UNAVAILABLE'],
    [new Error('Connection terminated unexpectedly'), 'UNAVAILABLE'],
    [pgError('22021'), 'VALIDATION_FAILED'],
    [pgError('42601'), 'INTERNAL'],
    [new Error('no such table'), 'INTERNAL'],
    ['thrown text', 'INTERNAL'],
  ])('%s is %s, and tells nothing of itself', (error, code) => {
    const refusal = toApiError(error);
    expect(refusal.code).toBe(code);
    const { status, headers, body } = problemAnswer(refusal, '/path', 'req-1');
    expect(status).toBe(errorCodes[code][0]);
    expect(headers!['Retry-After'] !== undefined).toBe(status === 503 || status === 429);
    expect(JSON.stringify(body)).not.toMatch(/select|grpc|shw_1|table|terminated|thrown/);
  });

  test('a full queue says when to come back', () => {
    const { headers } = problemAnswer(toApiError(new WorkflowBusyError('x', 2_500)), '/', 'req-1');
    expect(headers!['Retry-After']).toBe('3');
  });
});

describe('access tokens', () => {
  const secret = 's'.repeat(40);
  const at = (ms: number) => new BearerTokens(secret, () => ms);
  const signed = (issuedAt: number, ttl?: number) =>
    signAccessToken(secret, { userId: 'usr_1', role: 'guest' }, issuedAt, ttl);

  test('say who calls until they expire, remembered or not', async () => {
    let nowMs = 1_000_000_000;
    const tokens = new BearerTokens(secret, () => nowMs);
    const token = `Bearer ${await signed(1_000_000, 60)}`;
    expect(await tokens.verify(token)).toMatchObject({ userId: 'usr_1', role: 'guest' });
    nowMs += 59_000;
    expect(await tokens.verify(token)).toMatchObject({ userId: 'usr_1' });
    nowMs += 2_000;
    await expect(tokens.verify(token)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(at(nowMs).verify(token)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('of another secret, another role, another algorithm or changed by a bit are none', async () => {
    const token = await signed(1_000_000);
    const [header, payload, mac] = token.split('.') as [string, string, string];
    const forged = Buffer.from(
      JSON.stringify({ ...(JSON.parse(Buffer.from(payload, 'base64url').toString()) as object), role: 'admin' }),
    );
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const other = await signAccessToken('o'.repeat(40), { userId: 'usr_1', role: 'admin' }, 1_000_000);
    for (const bad of [
      other,
      `${header}.${forged.toString('base64url')}.${mac}`,
      `${none}.${payload}.`,
      `${token}x`,
      '',
    ]) {
      await expect(at(1_000_000_000).verify(`Bearer ${bad}`)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    }
  });

  test('of staff carry their role', async () => {
    const token = await signStaffToken(secret, 'admin', 60);
    expect(await at(Date.now()).verify(`bearer ${token}`)).toMatchObject({ role: 'admin' });
  });
});

describe('rate limits', () => {
  test('count a whole IPv6 network as one caller', () => {
    expect(networkOf('192.0.2.7')).toBe('192.0.2.7');
    expect(networkOf('::ffff:192.0.2.7')).toBe('::ffff:192.0.2.7');
    expect(networkOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2');
    expect(networkOf('2001:db8::5')).toBe(networkOf('2001:db8:0:0:9::1'));
    expect(networkOf('2001:db8:0:1::5')).not.toBe(networkOf('2001:db8:0:2::5'));
  });

  test.each([['createBooking'], ['payBooking'], ['changeSeats'], ['extendBooking'], ['releaseBooking']])(
    'of %s refuse whom they have counted, and nobody else',
    async (operation) => {
      const limits = new RateLimits();
      const asks = (userId: string) => limits.admit(operation, { userId, role: 'guest' }, '192.0.2.7');
      for (let n = 0; n < rateLimits[operation]!.requests; n++) await asks('usr_1');
      await expect(asks('usr_1')).rejects.toMatchObject({ code: 'RATE_LIMITED' });
      await expect(asks('usr_2')).resolves.toBeUndefined();
      await expect(limits.admit('listCities', null, '192.0.2.7')).resolves.toBeUndefined();
    },
  );
});

test('a bounded map forgets what was asked for longest ago', () => {
  const map = new LruMap<string, number>(2);
  map.set('a', 1);
  map.set('b', 2);
  expect(map.get('a')).toBe(1);
  map.set('c', 3);
  expect([map.get('a'), map.get('b'), map.get('c'), map.size]).toEqual([1, undefined, 3, 2]);
});
