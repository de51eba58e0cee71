import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { signStaffToken } from '../api/accounts/tokens.ts';
import { dataFolderPath } from '../supervisor/data-folder.ts';
import { type Addresses, readRunState } from '../supervisor/run-state.ts';
import { loadSecrets, secretNames, type Secrets } from '../supervisor/secrets.ts';

/** A token for one command's calls. */
const TOKEN_TTL_SECONDS = 15 * 60;

const projectFolder = fileURLToPath(new URL('../..', import.meta.url));

/** The folder that `npm start` uses with this environment. */
const dataFolderOf = (env: NodeJS.ProcessEnv): string => dataFolderPath(env, projectFolder);

/** A file named on the command line: npm runs scripts in the project, and says where it was called. */
export const namedFile = (file: string, env: NodeJS.ProcessEnv): string => resolve(env.INIT_CWD ?? '.', file);

/** Base address of the API of the system that runs on the data folder; null when none does. */
export function runningApi(env: NodeJS.ProcessEnv): string | null {
  const { status, addresses } = readRunState(dataFolderOf(env));
  return status === 'ready' ? (addresses?.api ?? null) : null;
}

/** Settings with which one more process of ours takes part in the running system, all of its secrets among them. */
export interface PartSettings extends Omit<Secrets, 'POSTGRES_PASSWORD'> {
  readonly DATA_DIR: string;
  readonly DATABASE_URL: string;
  readonly TEMPORAL_ADDRESS: string;
  readonly TEMPORAL_NAMESPACE: string;
}

export interface RunningSystem {
  readonly addresses: Addresses;
  readonly partSettings: PartSettings;
}

/**
 * The system that runs on the data folder, for whoever may read its secrets; null when none does.
 * @throws StartupError they can't be read
 */
export function runningSystem(env: NodeJS.ProcessEnv): RunningSystem | null {
  const dataFolder = dataFolderOf(env);
  const { status, addresses, services } = readRunState(dataFolder);
  if (status !== 'ready' || !addresses || !services) return null;
  const { POSTGRES_PASSWORD, ...secrets } = loadSecrets(dataFolder, env, secretNames);
  const ownDatabase = new URL(services.databaseUrl);
  ownDatabase.password = POSTGRES_PASSWORD;
  return {
    addresses,
    partSettings: {
      DATA_DIR: dataFolder,
      DATABASE_URL: env.DATABASE_URL ?? ownDatabase.href,
      TEMPORAL_ADDRESS: services.temporalAddress,
      TEMPORAL_NAMESPACE: services.temporalNamespace,
      ...secrets,
    },
  };
}

/**
 * A staff token of the system that runs on the data folder, for whoever may read its secrets.
 * @throws StartupError they can't be read
 */
export function ownStaffToken(env: NodeJS.ProcessEnv): Promise<string> {
  const { JWT_SECRET } = loadSecrets(dataFolderOf(env), env, ['JWT_SECRET']);
  return signStaffToken(JWT_SECRET, 'admin', TOKEN_TTL_SECONDS);
}
