import { createLogger } from '../platform/logger.ts';
import { TemporalUnavailableError } from '../../temporal/server/contract.ts';
import { defaultCacheDir, obtainTemporalCli } from '../../temporal/server/obtain.ts';

/** Obtains what the tests need besides the dependencies, before they start: it may take minutes, and says so. */
const log = createLogger('tests');
try {
  await obtainTemporalCli({ cacheDir: defaultCacheDir(process.env), env: process.env, log });
} catch (error) {
  if (!(error instanceof TemporalUnavailableError)) throw error;
  log.fatal(error.message);
  process.exitCode = 1;
}
