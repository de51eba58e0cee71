import { isUtf8 } from 'node:buffer';
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { BearerTokens, signAccessToken } from '../../src/api/accounts/tokens.ts';
import { ApiError } from '../../src/api/http/api-error.ts';
import { preferredEncoding, shownTags } from '../../src/api/http/conditional.ts';
import { refuseOtherVersions } from '../../src/api/http/if-match.ts';
import { fieldErrors, toApiError, validationFailed } from '../../src/api/http/problem.ts';
import { idempotencyKeyOf } from '../../src/api/idempotency/idempotency-key.ts';
import { newestSeen } from '../../src/api/seats/seat-routes.ts';
import { errorCodes } from '../../src/contracts/error-codes.ts';
import { everyEndpoint } from '../../src/contracts/http/endpoints.ts';
import type { WebhookVerdict } from '../../src/contracts/payments.ts';
import { parsePretixPlan, PLAN_ERRORS_MAX } from '../../src/domain/pretix-plan.ts';
import { seatLayout } from '../../src/domain/seat-layout.ts';
import { seatsOf } from '../../src/domain/seating-plan.ts';
import { verifyWebhook } from '../../src/gateways/simulator-webhook.ts';
import { verifyStripeWebhook } from '../../src/gateways/stripe-webhook.ts';
import { cursorNumber, cursorOf, cursorText } from '../../src/read-model/cursors.ts';
import { TicketCodes } from '../../src/tickets/ticket-codes.ts';
import { z } from 'zod';
import { smallPlan } from './requests.ts';

/** Whatever comes in is read at once: a thousand times longer than it takes, and still no denial of service. */
const WITHIN_MS = 1_000;

function inTime<T>(read: () => T): T {
  const startedAt = performance.now();
  const result = read();
  expect(performance.now() - startedAt).toBeLessThan(WITHIN_MS);
  return result;
}

const runs = { numRuns: 2_000, seed: 20_261_120 };
const bytes = fc.uint8Array({ maxLength: 300 });
/** Text of all kinds, halves of characters too. */
const halves = fc.array(fc.integer({ min: 0xd7ff, max: 0xe000 }), { maxLength: 20 });
const anyText = fc.oneof(
  fc.string({ maxLength: 200, unit: 'binary' }),
  fc.string({ maxLength: 200 }),
  halves.map((units) => String.fromCharCode(...units)),
);
/** A copy of a text with some of its characters replaced, doubled, cut out or moved. */
const altered = (text: string) =>
  fc
    .array(fc.tuple(fc.nat(text.length), fc.constantFrom('replace', 'insert', 'cut'), fc.string({ maxLength: 3 })), {
      minLength: 1,
      maxLength: 4,
    })
    .map((edits) =>
      edits.reduce((spoiled, [at, how, by]) => {
        if (how === 'insert') return spoiled.slice(0, at) + by + spoiled.slice(at);
        return spoiled.slice(0, at) + (how === 'replace' ? by : '') + spoiled.slice(at + Math.max(1, by.length));
      }, text),
    )
    .filter((spoiled) => spoiled !== text);

/** Each field as it is, or anything else. */
const spoiledFields = (fields: object) =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      fc.oneof({ weight: 3, arbitrary: fc.constant<unknown>(value) }, fc.jsonValue()),
    ]),
  );

/** Refused as something that has its place in the contract, and as no failure of ours. */
function expectRefused(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    const { code } = toApiError(error);
    expect(errorCodes[code][0]).toBeLessThan(500);
    return;
  }
  throw new Error('it was taken');
}

describe("a payment provider's webhook", () => {
  const secret = 'a-secret-of-the-fuzzing-for-webhooks-only';
  const nowMs = 1_795_000_000_000;
  const at = nowMs / 1_000;
  const macOf = (body: Uint8Array) => createHmac('sha256', secret).update(`${at}.`).update(body).digest('hex');
  const ids = { bookingId: 'bkg_1', attemptId: 'pay_1' };
  const simulatorEvent = {
    ...{ id: 'evt_1', type: 'payment.succeeded', at: '2026-11-20T10:00:00Z', ...ids },
    amount: { amount: 1, currency: 'INR' },
  };
  const stripeIntent = {
    ...{ id: 'pi_1', object: 'payment_intent', status: 'succeeded', currency: 'inr', metadata: ids },
    ...{ amount: 1, amount_received: 1 },
  };
  const stripeEvent = { id: 'evt_1', type: 'payment_intent.succeeded', created: at, data: { object: stripeIntent } };

  interface Provider {
    readonly name: string;
    /** One that is taken, if it is signed. */
    readonly event: object;
    readonly verify: (signature: string | undefined, body: Uint8Array) => WebhookVerdict;
    /** The event with anything in the place of some of its fields. */
    readonly spoiled: fc.Arbitrary<object>;
  }
  const someFields = (event: object) => fc.record(spoiledFields(event), { requiredKeys: [] });
  const providers: readonly Provider[] = [
    {
      name: 'simulator',
      event: simulatorEvent,
      verify: (signature, body) => verifyWebhook(secret, 'simulator', signature, body, nowMs),
      spoiled: someFields(simulatorEvent),
    },
    {
      name: 'stripe',
      event: stripeEvent,
      verify: (signature, body) => verifyStripeWebhook(secret, signature, body, nowMs),
      spoiled: fc.oneof(
        someFields(stripeEvent),
        someFields(stripeIntent).map((object) => ({ ...stripeEvent, data: { object } })),
      ),
    },
  ];
  const bytesOf = (json: string) => Buffer.from(json);

  test.each(providers)('of $name is not believed without a signature of its own', ({ event, verify }) => {
    const signature = fc.oneof(anyText, fc.constant(undefined), altered(`t=${at},v1=${macOf(bytesOf('{}'))}`));
    const body = fc.oneof(bytes, fc.constant(bytesOf(JSON.stringify(event))));
    fc.assert(
      fc.property(signature, body, (shown, unsigned) => {
        const real = shown?.includes(macOf(unsigned)) ?? false;
        expect(inTime(() => verify(shown, unsigned)).ok && !real).toBe(false);
      }),
      runs,
    );
  });

  test.each(providers)(
    'of $name that is signed holds an event, or is refused: it never throws',
    ({ event, verify, spoiled }) => {
      const seen = { taken: 0, refused: 0 };
      const body = fc.oneof(
        bytes,
        fc.json().map(bytesOf),
        altered(JSON.stringify(event)).map(bytesOf),
        spoiled.map((json) => bytesOf(JSON.stringify(json))),
      );
      fc.assert(
        fc.property(body, (signed) => {
          const verdict = inTime(() => verify(`t=${at},v1=${macOf(signed)}`, signed));
          if (!verdict.ok) {
            seen.refused += 1;
            // Stripe's client signs the text that it takes the bytes for: where they are none, it is another one.
            expect(['body_invalid', isUtf8(signed) ? '' : 'signature_mismatch']).toContain(verdict.reason);
          } else if (verdict.event.kind !== 'other') {
            seen.taken += 1;
            const { amount, eventId, bookingId, attemptId, atMs } = verdict.event.notification;
            expect(Number.isSafeInteger(amount.amount) && amount.amount >= 0).toBe(true);
            expect(Number.isFinite(atMs)).toBe(true);
            for (const id of [eventId, bookingId, attemptId]) expect(id.length > 0 && id.length <= 255).toBe(true);
          }
        }),
        runs,
      );
      expect(Math.min(seen.taken, seen.refused)).toBeGreaterThan(10);
    },
  );
});

describe('a seating plan', () => {
  /** The plan with some of its values, anywhere, replaced by others. */
  const spoiledPlan = fc
    .array(fc.tuple(fc.nat(200), fc.jsonValue()), { minLength: 1, maxLength: 4 })
    .map((edits) => edits.reduce<unknown>((plan, [place, value]) => replaced(plan, { left: place }, value), smallPlan));

  test('is taken whole or refused with every place of a fault: it never throws', () => {
    const seen = { taken: 0, refused: 0 };
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue({ maxDepth: 6 }), spoiledPlan), (json) => {
        const parsed = inTime(() => parsePretixPlan(json));
        if (parsed.ok) {
          seen.taken += 1;
          const ids = seatsOf(parsed.plan).map(({ id }) => id);
          expect(ids.length).toBeGreaterThan(0);
          expect(new Set(ids).size).toBe(ids.length);
          expect(() => seatLayout(parsed.plan)).not.toThrow();
        } else {
          seen.refused += 1;
          expect(parsed.errors.length).toBeGreaterThan(0);
          expect(parsed.errors.length).toBeLessThanOrEqual(PLAN_ERRORS_MAX + 1);
        }
      }),
      runs,
    );
    expect(Math.min(seen.taken, seen.refused)).toBeGreaterThan(10);
  });

  test.each([
    ['zones', (n: number) => ({ ...smallPlan, zones: Array.from({ length: n }, () => 1) })],
    [
      'rows',
      (n: number) => ({
        ...smallPlan,
        zones: [{ position: { x: 0, y: 0 }, rows: Array.from({ length: n }, () => ({})) }],
      }),
    ],
    ['categories', (n: number) => ({ ...smallPlan, categories: Array.from({ length: n }, () => null) })],
    [
      'fields that it does not have',
      (n: number) => ({ ...smallPlan, ...Object.fromEntries(Array.from({ length: n }, (_, i) => [`f${i}`, i])) }),
    ],
    ['levels of lists', (n: number) => ({ ...smallPlan, name: JSON.parse('['.repeat(n) + ']'.repeat(n)) as unknown })],
  ])('of half a million %s is refused as fast as any other', (_what, bomb) => {
    const json = bomb(500_000);
    expect(inTime(() => parsePretixPlan(json)).ok).toBe(false);
  });
});

function replaced(value: unknown, place: { left: number }, by: unknown): unknown {
  if (place.left-- === 0) return by;
  if (Array.isArray(value)) return value.map((each) => replaced(each, place, by));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, replaced(each, place, by)]));
}

describe('a cursor', () => {
  const shows = cursorOf('shows', z.tuple([cursorNumber, cursorText]));
  const key: [number, string] = [1_795_000_000_000, 'shw_1'];

  test('gives back what it was made of', () => {
    fc.assert(
      fc.property(fc.integer(), fc.string({ minLength: 1, maxLength: 80 }), (n, text) => {
        expect(shows.decode(shows.encode([n, text]))).toEqual([n, text]);
      }),
    );
  });

  test('that was not given out, or for another list, is refused', () => {
    const foreign = cursorOf('movies', z.tuple([cursorNumber, cursorText])).encode(key);
    const strange = fc.oneof(
      anyText,
      fc.constant(foreign),
      fc.jsonValue().map((json) => Buffer.from(JSON.stringify(json)).toString('base64url')),
      fc
        .jsonValue()
        .filter((json) => !(Array.isArray(json) && typeof json[0] === 'number' && typeof json[1] === 'string'))
        .map((json) => Buffer.from(JSON.stringify(['shows', json])).toString('base64url')),
    );
    fc.assert(
      fc.property(strange, (cursor) => {
        expectRefused(() => inTime(() => shows.decode(cursor)));
      }),
      runs,
    );
  });
});

describe('an access token', () => {
  const secret = 'a-secret-of-the-fuzzing-for-tokens-only';
  const nowMs = 1_795_000_000_000;
  const tokens = () => new BearerTokens(secret, () => nowMs);
  const refused = (authorization: string | undefined) =>
    expect(tokens().verify(authorization)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });

  test('altered anywhere is none', async () => {
    const good = await signAccessToken(secret, { userId: 'usr_1', role: 'guest' }, nowMs / 1_000);
    expect(await tokens().verify(`Bearer ${good}`)).toMatchObject({ userId: 'usr_1', role: 'guest' });
    await fc.assert(
      fc.asyncProperty(altered(good), async (forged) => {
        // Of the last letter four bits count: there are texts beside ours that mean the same signature.
        const same = (token: string) =>
          Buffer.from(token.split('.')[2] ?? '', 'base64url').toString('hex') + token.slice(0, token.lastIndexOf('.'));
        fc.pre(same(forged) !== same(good));
        await refused(`Bearer ${forged}`);
      }),
      { ...runs, numRuns: 500 },
    );
  });

  test('made up is none, whatever its header and its claims say', async () => {
    const part = (json: unknown) => Buffer.from(JSON.stringify(json) ?? '').toString('base64url');
    const madeUp = fc.oneof(
      anyText,
      fc
        .tuple(fc.jsonValue(), fc.jsonValue(), fc.base64String())
        .map(([head, said, mac]) => `Bearer ${part(head)}.${part(said)}.${mac}`),
      fc
        .constantFrom('none', 'None', 'HS256', 'HS512', 'RS256', 'ES256', '', 'hs256')
        .map((alg) => `Bearer ${part({ alg })}.${part({ sub: 'usr_1', role: 'admin', exp: 4_000_000_000 })}.`),
    );
    await fc.assert(
      fc.asyncProperty(madeUp, (authorization) => refused(authorization)),
      { ...runs, numRuns: 500 },
    );
  });
});

describe('a ticket code', () => {
  const codes = new TicketCodes('a-secret-of-the-fuzzing-for-tickets-only');
  const printed = codes.print({ bookingId: 'bkg_0Zr3c4QyS5uY1nXbK2mWpA', ticketVersion: 3 });
  const invitation = codes.printInvitation({ userId: 'usr_0Zr3c4QyS5uY1nXbK2mWpA', expiresAtMs: 1_795_000_000_000 });

  test('altered or made up says nothing; neither does an invitation', () => {
    expect(codes.read(printed)).not.toBeNull();
    fc.assert(
      fc.property(fc.oneof(anyText, altered(printed), altered(invitation), fc.constant(invitation)), (code) => {
        expect(inTime(() => codes.read(code))).toBeNull();
        if (code !== invitation) expect(inTime(() => codes.readInvitation(code))).toBeNull();
      }),
      runs,
    );
  });
});

describe('a header', () => {
  test('Idempotency-Key is taken as it is, or refused', () => {
    fc.assert(
      fc.property(anyText, fc.boolean(), (key, required) => {
        const read = () => idempotencyKeyOf({ 'idempotency-key': key }, required);
        if (/^[\x21-\x7e]{8,255}$/.test(key)) expect(read()).toBe(key);
        else expectRefused(read);
      }),
      runs,
    );
    expect(idempotencyKeyOf({}, false)).toBeNull();
    // Taken for none, what its client repeats would be done again.
    for (const required of [true, false]) expectRefused(() => idempotencyKeyOf({ 'idempotency-key': '' }, required));
  });

  test('If-Match lets through the tag itself, or any, and nothing that is like it', () => {
    const tag = '"thr_1-v3"';
    const passes = (header: string): boolean => {
      try {
        refuseOtherVersions({ 'if-match': header }, tag, 'theatre');
        return true;
      } catch (error) {
        expect(error).toBeInstanceOf(ApiError);
        expect(['IF_MATCH_REQUIRED', 'VERSION_MISMATCH']).toContain((error as ApiError).code);
        return false;
      }
    };
    fc.assert(
      fc.property(fc.oneof(anyText, altered(tag)), (header) => {
        const named = header.split(',').map((each) => each.trim());
        expect(inTime(() => passes(header))).toBe(named.includes(tag) || named.includes('*'));
      }),
      runs,
    );
  });

  test('If-None-Match and Accept-Encoding mean something or nothing, and cost nothing', () => {
    fc.assert(
      fc.property(
        fc.oneof(anyText, altered('"shw_1-v12-gz", W/"shw_1-v9"'), altered('gzip;q=0.5, br;q=1')),
        (header) => {
          const newest = inTime(() => newestSeen('shw_1', shownTags({ 'if-none-match': header })));
          expect(Number.isSafeInteger(newest) && newest >= 0).toBe(true);
          expect(['identity', 'gzip', 'br']).toContain(inTime(() => preferredEncoding({ 'accept-encoding': header })));
        },
      ),
      runs,
    );
    for (const bomb of [','.repeat(16_000), 'gzip;'.repeat(3_000), '"'.repeat(16_000), ' '.repeat(16_000)]) {
      inTime(() => [shownTags({ 'if-none-match': bomb }), preferredEncoding({ 'accept-encoding': bomb })]);
    }
  });
});

describe('the body of a call', () => {
  const withBodies = everyEndpoint.flatMap(({ operationId, body }) =>
    body === undefined || body === 'raw' ? [] : [[operationId, body] as const],
  );

  test.each(withBodies)('%s is valid, or refused by its places; no prototype learns from it', (_operation, schema) => {
    const polluting = fc
      .constantFrom('__proto__', 'constructor', 'prototype', 'toString')
      .chain((key) =>
        fc
          .jsonValue()
          .map((value) => JSON.parse(`{${JSON.stringify(key)}: {"polluted": ${JSON.stringify(value)}}}`) as unknown),
      );
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), polluting), (json) => {
        const parsed = inTime(() => schema.safeParse(json));
        if (!parsed.success) {
          const refusal = validationFailed(fieldErrors(parsed.error.issues));
          expect((refusal.fields.errors as unknown[]).length).toBeGreaterThan(0);
        }
        expect(Object.keys(Object.prototype)).toEqual([]);
        expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
        expect(Object.getPrototypeOf(parsed.data ?? {})).toBe(Object.prototype);
      }),
      { ...runs, numRuns: 200 },
    );
  });

  test.each(withBodies)('%s of 256 KiB of the worst is refused as fast as any other', (_operation, schema) => {
    const numbers = Array.from({ length: 130_000 }, () => 1);
    const fields = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`k${i}`, 1]));
    const named = Object.fromEntries(
      ['seatIds', 'genres', 'categories', 'optOuts', 'eventTypes'].map((name) => [name, numbers]),
    );
    for (const bomb of [numbers, fields, { showId: 'shw_1', ...named }, { title: 'x', ...named }]) {
      const times = [1, 2, 3].map(() => {
        const startedAt = performance.now();
        const parsed = schema.safeParse(bomb);
        if (!parsed.success) validationFailed(fieldErrors(parsed.error.issues));
        return performance.now() - startedAt;
      });
      // The best of three: what else the machine does is no matter of ours.
      expect(Math.min(...times)).toBeLessThan(STANDSTILL_MAX_MS);
    }
  });
  /** What one caller may make a process stand still for. */
  const STANDSTILL_MAX_MS = 150;
});
