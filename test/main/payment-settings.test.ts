import {
  paymentSettingNames,
  providerChoice,
  simulatorAddress,
  stripeAccount,
  usesSimulator,
} from '../../src/main/payment-settings.ts';
import { readConfig } from '../../src/platform/config.ts';

const stripe = {
  STRIPE_SECRET_KEY: 'sk_test_of_the_tests_alone',
  STRIPE_WEBHOOK_SECRET: 'whsec_of_the_tests_0123456789abcdef',
  STRIPE_RETURN_URL: 'https://seats.example/paid',
};
const read = (env: NodeJS.ProcessEnv) => readConfig([...paymentSettingNames, 'PAYMENT_GATEWAY_URL'], env);
const chosen = (env: NodeJS.ProcessEnv) => providerChoice(read(env));

describe('the payment providers', () => {
  it('are the simulated ones, unless others are chosen', () => {
    expect(chosen({})).toEqual({ active: ['simulator', 'simulator-backup'], retired: [] });
    expect(stripeAccount(read({}))).toBeUndefined();
    expect(chosen({ PAYMENT_PROVIDERS: 'stripe', ...stripe })).toEqual({ active: ['stripe'], retired: [] });
  });

  it('are chosen in the order in which they are charged, and may be retired', () => {
    const env = { PAYMENT_PROVIDERS: ' stripe, simulator-backup', PAYMENT_PROVIDERS_RETIRED: 'simulator', ...stripe };
    expect(chosen(env)).toEqual({ active: ['stripe', 'simulator-backup'], retired: ['simulator'] });
    expect(stripeAccount(read(env))).toEqual({
      secretKey: stripe.STRIPE_SECRET_KEY,
      apiUrl: 'https://api.stripe.com',
      returnUrl: stripe.STRIPE_RETURN_URL,
    });
  });

  it.each([
    [{ PAYMENT_PROVIDERS: 'paypal' }, 'PAYMENT_PROVIDERS: must be some of simulator, simulator-backup, stripe'],
    [{ PAYMENT_PROVIDERS: 'stripe,stripe' }, 'none twice'],
    [{ PAYMENT_PROVIDERS: ',' }, 'PAYMENT_PROVIDERS: must be one or two providers'],
    [{ PAYMENT_PROVIDERS: 'stripe,simulator,simulator-backup' }, 'PAYMENT_PROVIDERS: must be one or two providers'],
    [{ PAYMENT_PROVIDERS: 'simulator', PAYMENT_PROVIDERS_RETIRED: 'simulator' }, 'simulator is in PAYMENT_PROVIDERS'],
  ])('%j is refused', (env, sentence) => expect(() => chosen(env)).toThrow(sentence));

  it.each(Object.keys(stripe))('Stripe is not started without %s, not even when it is retired', (name) => {
    const lacking = { ...stripe, [name]: undefined };
    const sentence = `stripe is chosen, and needs ${name}`;
    expect(() => chosen({ PAYMENT_PROVIDERS: 'stripe', ...lacking })).toThrow(sentence);
    expect(() => chosen({ PAYMENT_PROVIDERS_RETIRED: 'stripe', ...lacking })).toThrow(sentence);
    expect(chosen(lacking).active).toEqual(['simulator', 'simulator-backup']);
  });

  it('the secrets of Stripe have its form, and are never shown', () => {
    for (const name of ['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET']) {
      const read = () => chosen({ PAYMENT_PROVIDERS: 'stripe', ...stripe, [name]: 'pk_live_hunter2' });
      expect(read).toThrow(`${name}: must be`);
      expect(read).not.toThrow('hunter2');
    }
  });

  it('in production the secret key goes over TLS alone', () => {
    const env = { PAYMENT_PROVIDERS: 'stripe', ...stripe, STRIPE_API_URL: 'http://127.0.0.1:12111' };
    expect(() => chosen({ ...env, NODE_ENV: 'production' })).toThrow('STRIPE_API_URL: must begin with https://');
    expect(chosen(env).active).toEqual(['stripe']);
  });

  it('a simulated one needs an address; where there is none nobody asks for it', () => {
    expect(() => simulatorAddress(chosen({}), read({}))).toThrow('PAYMENT_GATEWAY_URL: is missing');
    const url = 'http://127.0.0.1:3010';
    expect(simulatorAddress(chosen({}), read({ PAYMENT_GATEWAY_URL: url }))).toBe(url);
    const alone = chosen({ PAYMENT_PROVIDERS: 'stripe', ...stripe });
    expect([usesSimulator(alone), simulatorAddress(alone, read({ PAYMENT_GATEWAY_URL: url }))]).toEqual([
      false,
      undefined,
    ]);
  });
});
