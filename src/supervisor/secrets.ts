import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartupError } from './startup-error.ts';
import { writeFileWhole } from './whole-file.ts';

export const secretNames = ['JWT_SECRET', 'PAYMENT_WEBHOOK_SECRET', 'TICKET_SIGNING_KEY', 'POSTGRES_PASSWORD'] as const;
export type SecretName = (typeof secretNames)[number];
export type Secrets = Readonly<Record<SecretName, string>>;

/** 256 random bits. */
const generate = (): string => randomBytes(32).toString('base64url');

/**
 * The secrets of this system: those of the environment, and for development one that is made at the first start and
 * kept in the data folder, readable by its owner alone.
 * @param needed those that are missing in production are an error; others are not asked for
 * @throws StartupError in production, which gets its secrets from whoever runs it
 */
export function loadSecrets(dataFolder: string, env: NodeJS.ProcessEnv, needed: readonly SecretName[]): Secrets {
  const missing = needed.filter((name) => !env[name]);
  if (env.NODE_ENV === 'production' && missing.length > 0) {
    throw new StartupError(`With NODE_ENV=production these settings must be given: ${missing.join(', ')}.`);
  }
  const file = join(dataFolder, 'secrets.json');
  const kept = readKept(file);
  const secrets = Object.fromEntries(secretNames.map((name) => [name, kept[name] ?? generate()])) as Secrets;
  if (env.NODE_ENV !== 'production' && secretNames.some((name) => kept[name] === undefined)) {
    writeFileWhole(file, `${JSON.stringify(secrets, null, 2)}\n`, 0o600);
  }
  return Object.fromEntries(secretNames.map((name) => [name, env[name] || secrets[name]])) as Secrets;
}

function readKept(file: string): Partial<Record<SecretName, string>> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Partial<Secrets>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    const reason = error instanceof SyntaxError ? 'is not JSON' : (error as Error).message;
    throw new StartupError(`The secrets in ${file} can't be read (${reason}): put them right or remove the file.`);
  }
}
