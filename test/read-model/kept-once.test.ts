import { findAnswers, type KeptAnswer, purgeAnswers, saveAnswers } from '../../src/read-model/idempotency-answers.ts';
import { insertGuest } from '../../src/read-model/users.ts';
import { findWebhookEffect, recordWebhookEvent } from '../../src/read-model/webhook-events.ts';
import { useTestDatabase } from '../setup/postgres.ts';
import { someId } from './bookings-of-tests.ts';

const test = useTestDatabase();

const someAnswer = (wanted: Partial<KeptAnswer> = {}): KeptAnswer => ({
  scope: 'usr_1 POST /bookings/{id}/payment',
  key: someId('key'),
  fingerprint: 'c29tZSBib2R5',
  status: 402,
  headers: { location: '/api/v1/bookings/bkg_1' },
  body: { z: 1, a: [2, { deep: 'ü\0' }] },
  ...wanted,
});

describe('kept answers', () => {
  it('are given again to the letter, fields in the order they had', async () => {
    const answer = someAnswer();
    await saveAnswers(test.db, [answer]);
    const [found, none] = await findAnswers(test.db, [answer, someAnswer()]);
    expect(found).toEqual(answer);
    expect(JSON.stringify(found!.body)).toBe(JSON.stringify(answer.body));
    expect(none).toBeNull();
  });

  it('of many that race for one key, the first stored wins for all', async () => {
    const key = someId('key');
    const racers = Array.from({ length: 20 }, (_, index) => someAnswer({ key, body: { index } }));
    const answers = await Promise.all(racers.map(async (racer) => (await saveAnswers(test.db, [racer]))[0]!));
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
  });

  it('of one key and two callers are two', async () => {
    const key = someId('key');
    const [mine, yours] = [someAnswer({ key }), someAnswer({ key, scope: 'usr_2 POST /quotes', status: 200 })];
    expect(await saveAnswers(test.db, [mine, yours])).toEqual([mine, yours]);
  });

  it('twice in one batch are one', async () => {
    const first = someAnswer({ body: 'first' });
    const [a, b] = await saveAnswers(test.db, [first, { ...first, body: 'second' }]);
    expect(a).toEqual(b);
  });

  it('are forgotten by age, no more a call than told', async () => {
    const answers = Array.from({ length: 5 }, () => someAnswer());
    await saveAnswers(test.db, answers);
    expect(await purgeAnswers(test.db, { createdBeforeMs: Date.now() - 86_400_000, limit: 100 })).toBe(0);
    const later = Date.now() + 60_000;
    expect(await purgeAnswers(test.db, { createdBeforeMs: later, limit: 3 })).toBe(3);
    while ((await purgeAnswers(test.db, { createdBeforeMs: later, limit: 3 })) > 0);
    expect((await findAnswers(test.db, answers)).filter(Boolean)).toEqual([]);
  });
});

describe('webhook events', () => {
  it('are new once for each provider', async () => {
    const event = {
      provider: 'simulator',
      eventId: someId('evt'),
      body: { id: 1 },
      bookingId: null,
      effect: 'accepted',
    };
    const tries = await Promise.all(Array.from({ length: 10 }, () => recordWebhookEvent(test.db, event)));
    expect(tries.filter(Boolean)).toHaveLength(1);
    expect(await recordWebhookEvent(test.db, { ...event, provider: 'stripe', effect: 'unknown_booking' })).toBe(true);
    expect(await findWebhookEffect(test.db, 'stripe', event.eventId)).toBe('unknown_booking');
    expect(await findWebhookEffect(test.db, 'simulator', 'evt_none')).toBeNull();
  });
});

describe('guests', () => {
  it('come with the token that renews their login, both or none', async () => {
    const refreshToken = { hash: someId('hash'), family: someId('family'), expiresAtMs: 2_000 };
    const guest = {
      id: someId('usr'),
      email: 'a@example.org',
      phone: null,
      language: 'en' as const,
      createdAtMs: 1_000,
      refreshToken,
    };
    await insertGuest(test.db, guest);
    const token = await test.db.selectFrom('refresh_tokens').selectAll().where('user_id', '=', guest.id).execute();
    expect(token).toMatchObject([{ hash: refreshToken.hash, expires_at: new Date(2_000) }]);
    const other = { ...guest, id: someId('usr') };
    await expect(insertGuest(test.db, other)).rejects.toThrow();
    expect(await test.db.selectFrom('users').select('id').where('id', '=', other.id).execute()).toEqual([]);
  });
});
