import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { signStaffToken } from '../api/accounts/tokens.ts';
import { readRunState } from '../supervisor/run-state.ts';
import { loadSecrets } from '../supervisor/secrets.ts';

/** A token for one command's calls. */
const TOKEN_TTL_SECONDS = 15 * 60;

const projectFolder = fileURLToPath(new URL('../..', import.meta.url));

/** The folder that `npm start` uses with this environment: `DATA_DIR`, by default `.data` in the project. */
export const dataFolderOf = (env: NodeJS.ProcessEnv): string =>
  env.DATA_DIR ? resolve(env.INIT_CWD ?? '.', env.DATA_DIR) : join(projectFolder, '.data');

/** A file named on the command line: npm runs scripts in the project, and says where it was called. */
export const namedFile = (file: string, env: NodeJS.ProcessEnv): string => resolve(env.INIT_CWD ?? '.', file);

/** Base address of the API of the system that runs on the data folder; null when none does. */
export function runningApi(env: NodeJS.ProcessEnv): string | null {
  const { status, addresses } = readRunState(dataFolderOf(env));
  return status === 'ready' ? (addresses?.api ?? null) : null;
}

/**
 * A staff token of the system that runs on the data folder, for whoever may read its secrets.
 * @throws StartupError they can't be read
 */
export function ownStaffToken(env: NodeJS.ProcessEnv): Promise<string> {
  const { JWT_SECRET } = loadSecrets(dataFolderOf(env), env, ['JWT_SECRET']);
  return signStaffToken(JWT_SECRET, 'admin', TOKEN_TTL_SECONDS);
}
