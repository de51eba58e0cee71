import { z } from 'zod';
import { settingShapes, validSettings } from '../platform/config.ts';

/** Each process costs some 100 MB: more of a kind than this is no longer one machine's affair. */
export const processesMax = 16;

const port = z.coerce.number().int().min(0).max(65_535).optional();
const processes = z.coerce.number().int().min(1).max(processesMax).default(1);

export const launcherShapes = {
  SEED: z.enum(['demo', 'none']).default('demo'),
  TEMPORAL_PROFILE: z.enum(['dev', 'server']).default('dev'),
  API_PROCESSES: processes,
  WORKER_PROCESSES: processes,
  RELAY_PROCESSES: processes,
};

export type LauncherSettings = z.infer<z.ZodObject<typeof launcherShapes>>;

/**
 * What only the launcher reads.
 * @throws ConfigError naming every setting that is wrong
 */
export const readLauncherSettings = (env: NodeJS.ProcessEnv): LauncherSettings => validSettings(launcherShapes, env);

/**
 * Looks at every setting that is there, of the launcher and of the parts: a person is told all that is wrong at once,
 * before anything is started.
 * @param ports names of the settings that are ports
 * @throws ConfigError
 */
export function checkSettings(env: NodeJS.ProcessEnv, ports: readonly string[]): void {
  const parts = Object.entries(settingShapes).map(([name, shape]) => [name, shape.optional()] as const);
  const shapes: Record<string, z.ZodType> = { ...Object.fromEntries(parts), ...launcherShapes };
  for (const name of ports) shapes[name] = port;
  validSettings(shapes, env);
}

/**
 * The port that a setting asks for; null when it is not there, or 0: any port will do.
 * @throws ConfigError
 */
export const toldPort = (name: string, env: NodeJS.ProcessEnv): number | null =>
  validSettings({ [name]: port }, env)[name] || null;

/** An empty setting is one that is not there (`PORT= npm start`), for the parts too. */
export function dropEmpty(env: NodeJS.ProcessEnv): void {
  for (const [name, value] of Object.entries(env)) if (value === '') delete env[name];
}
