import type { SessionBody, UserBody } from '../../src/contracts/http/accounts.ts';
import { useTestSystem } from '../setup/system.ts';
import { ApiClient, newGuest, staff } from './http-client.ts';

const system = useTestSystem({ apis: 1, workers: 0 });
const url = (): string => system.apiUrls[0]!;

async function guest(body: object, headers: Readonly<Record<string, string>> = {}) {
  const { body: session } = await new ApiClient(url()).post<SessionBody>('/auth/guest', body, { headers });
  return { ...session.user, client: new ApiClient(url(), { token: session.accessToken, userId: session.user.id }) };
}

describe('a guest', () => {
  it('is written to in the language named, or else the browser’s, or else English', async () => {
    const email = 'asha@example.org';
    const browser = (languages: string) => ({ 'Accept-Language': languages });
    expect((await guest({ email, locale: 'hi-IN' }, browser('en'))).locale).toBe('hi');
    expect((await guest({ phone: '+919876543210', locale: 'EN' })).locale).toBe('en');
    expect((await guest({ email }, browser('fr-FR, hi;q=0.8, en;q=0.5'))).locale).toBe('hi');
    expect((await guest({ email }, browser('en;q=0.2, hi;q=0'))).locale).toBe('en');
    expect((await guest({ email }, browser('fr, *;q=0.1'))).locale).toBe('en');
    expect((await guest({ email }, browser(`hi;q=x,${';'.repeat(5_000)}`))).locale).toBe('hi');
  });

  it('in a language that nothing is written in is refused', async () => {
    const { status, body } = await new ApiClient(url()).post('/auth/guest', {
      email: 'asha@example.org',
      locale: 'fr',
    });
    expect([status, body.errors?.[0]?.path]).toEqual([400, 'locale']);
  });

  it('sees and changes how messages come, and nothing else', async () => {
    const { client, id } = await guest({ email: 'asha@example.org' });
    const before = (await client.get<UserBody>('/users/me')).body;
    expect(before).toMatchObject({ id, role: 'guest', locale: 'en', optOuts: [], pushToken: null });
    const change = { locale: 'hi', optOuts: ['reminder', 'unpaid'], pushToken: 'a device' };
    const changed = await client.send<UserBody>('PATCH', '/users/me', change);
    expect(changed).toMatchObject({ status: 200, body: { ...before, ...change } });
    expect((await client.send<UserBody>('PATCH', '/users/me', {})).body).toEqual(changed.body);
    expect((await client.send<UserBody>('PATCH', '/users/me', { optOuts: [] })).body.optOuts).toEqual([]);
    expect((await client.get<UserBody>('/users/me')).body).toEqual({ ...changed.body, optOuts: [] });
  });

  it('is told what is wrong with a change, and nothing changes', async () => {
    const client = await newGuest(url());
    const before = (await client.get<UserBody>('/users/me')).body;
    for (const wrong of [
      { locale: 'fr' },
      { optOuts: ['refund'] },
      { optOuts: ['reminder', 'reminder'] },
      { pushToken: '' },
      { role: 'admin' },
      { email: 'other@example.org' },
      [],
    ]) {
      expect(await client.send('PATCH', '/users/me', wrong)).toMatchObject({
        status: 400,
        body: { code: 'VALIDATION_FAILED' },
      });
    }
    expect((await client.get<UserBody>('/users/me')).body).toEqual(before);
  });

  it('without a token is nobody, and an operator’s token has no account', async () => {
    expect(await new ApiClient(url()).get('/users/me')).toMatchObject({ status: 401 });
    expect(await (await staff(url())).get('/users/me')).toMatchObject({ status: 404 });
  });
});
