import { setUpNamespace } from '../../temporal/server/namespace.ts';
import { readConfig } from '../platform/config.ts';
import { createLogger } from '../platform/logger.ts';
import { migrateToLatest } from '../read-model/migrate.ts';
import { readLauncherSettings } from '../supervisor/settings.ts';
import { saleLimits } from './sale-limits.ts';
import { seed } from './seed.ts';

/**
 * What has to be done once before workers and API start, where they are started by something else than `npm start`:
 * Temporal's namespace and search attributes, migrations, the catalogue. Repeated, it changes nothing.
 */
const log = createLogger('set-up');
try {
  const config = readConfig([
    'DATABASE_URL',
    'TEMPORAL_ADDRESS',
    'TEMPORAL_NAMESPACE',
    'CITY_QUEUES',
    'SEATS_PER_BOOKING_MAX',
    'SEATS_PER_BUYER_MAX',
  ]);
  const temporal = { address: config.TEMPORAL_ADDRESS, namespace: config.TEMPORAL_NAMESPACE };
  await setUpNamespace({ ...temporal, log, own: true });
  await migrateToLatest(config.DATABASE_URL, log);
  await seed({
    databaseUrl: config.DATABASE_URL,
    temporal,
    limits: saleLimits(config),
    cityQueues: config.CITY_QUEUES,
    what: readLauncherSettings(process.env).SEED,
    log,
  });
  log.info('done');
} catch (error) {
  log.fatal({ err: error }, 'the system could not be set up');
  process.exitCode = 1;
}
