import { join } from 'node:path';
import type { PreparedTemporal, TemporalProfile } from '../../temporal/server/contract.ts';
import { defaultCacheDir } from '../../temporal/server/obtain.ts';
import { prepareTemporal } from '../../temporal/server/prepare.ts';
import type { Logger } from '../platform/logger.ts';
import type { DataFolder } from '../supervisor/data-folder.ts';
import type { PortBook } from '../supervisor/port-book.ts';
import { isWritableFolder } from '../../scripts/make-folder.js';
import { reserveTemporalPorts } from './temporal-ports.ts';

export interface TemporalPartOptions {
  readonly profile: TemporalProfile;
  readonly env: NodeJS.ProcessEnv;
  readonly folder: DataFolder;
  readonly ports: PortBook;
  readonly namespace: string;
  readonly databaseUrl: string;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Temporal as the settings want it, not yet started. May take minutes, when it has to be built. */
export async function prepareTemporalPart(options: TemporalPartOptions): Promise<PreparedTemporal> {
  const { profile, env, folder, ports, namespace, databaseUrl, log, signal } = options;
  const both = { dataDir: folder.path, cacheDir: cacheDir(env, folder), namespace, log, env, signal };
  return profile === 'dev'
    ? prepareTemporal({ ...both, profile, ports: await reserveTemporalPorts(profile, ports) })
    : prepareTemporal({ ...both, profile, ports: await reserveTemporalPorts(profile, ports), databaseUrl });
}

/** A home that can't be written, as services and containers have it, is no reason to build at every start. */
function cacheDir(env: NodeJS.ProcessEnv, folder: DataFolder): string {
  const own = defaultCacheDir(env);
  return isWritableFolder(own) ? own : join(folder.path, 'cache');
}
