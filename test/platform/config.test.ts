import { ConfigError, readConfig } from '../../src/platform/config.ts';

const faultsIn = (env: NodeJS.ProcessEnv, ...names: Parameters<typeof readConfig>[0]): string => {
  try {
    readConfig(names, env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  return 'none';
};

describe('a wrong setting', () => {
  it('is told with its value and what it may be, all of them at once, each once', () => {
    const env = { PORT: '70000.5', RATE_LIMIT: 'of', HOLD_TTL_SECONDS: '0', PAYMENT_GATEWAY_URL: 'nowhere' };
    expect(faultsIn(env, 'PORT', 'RATE_LIMIT', 'HOLD_TTL_SECONDS', 'PAYMENT_GATEWAY_URL', 'DATABASE_URL')).toBe(
      "Settings are wrong: PORT: '70000.5' is not a whole number from 0 to 65535; " +
        "RATE_LIMIT: 'of' is not one of on, off; " +
        "HOLD_TTL_SECONDS: '0' is not a number above 0, up to 86400; " +
        "PAYMENT_GATEWAY_URL: 'nowhere' is not a URL such as http://127.0.0.1:8080; " +
        'DATABASE_URL: is missing',
    );
  });

  it('that may hold a secret is told without its value', () => {
    const env = { JWT_SECRET: 'hunter2', DATABASE_URL: 'mysql://me:hunter2@host/shop' };
    const message = faultsIn(env, 'JWT_SECRET', 'DATABASE_URL');
    expect(message).toContain('JWT_SECRET: must have at least 32 characters');
    expect(message).toContain('DATABASE_URL: must be an address such as postgres://');
    expect(message).not.toContain('hunter2');
  });

  it('that is a list of cities is told what a list looks like', () => {
    expect(faultsIn({ CITY_QUEUES: 'cit_a;cit_b' }, 'CITY_QUEUES')).toContain('CITY_QUEUES: must be at most 64 ids');
    expect(readConfig(['CITY_QUEUES'], { CITY_QUEUES: ' cit_a, cit_b,cit_a' })).toEqual({
      CITY_QUEUES: ['cit_a', 'cit_b'],
    });
  });

  it.each(['postgres://me:secret@host:5432/shop', 'postgresql://host/shop', 'postgres:///shop?host=/run/postgresql'])(
    'is none: %s',
    (url) => expect(readConfig(['DATABASE_URL'], { DATABASE_URL: url })).toEqual({ DATABASE_URL: url }),
  );
});
