import { z } from 'zod';
import { StartupError } from './startup-error.ts';

/** Each process costs some 100 MB: more of a kind than this is no longer one machine's affair. */
const processesMax = 16;

const port = z.coerce.number().int().min(0).max(65_535).optional();
const processes = z.coerce.number().int().min(1).max(processesMax).default(1);

const settings = z.object({
  SEED: z.enum(['demo', 'none']).default('demo'),
  TEMPORAL_PROFILE: z.enum(['dev', 'server']).default('dev'),
  API_PROCESSES: processes,
  WORKER_PROCESSES: processes,
});

export type LauncherSettings = z.infer<typeof settings>;

/**
 * What only the launcher reads.
 * @throws StartupError naming every setting that is wrong
 */
export const readLauncherSettings = (env: NodeJS.ProcessEnv): LauncherSettings => validated(settings, env);

/**
 * The port that a setting asks for; null when it is not there.
 * @throws StartupError
 */
export const toldPort = (name: string, env: NodeJS.ProcessEnv): number | null =>
  validated(z.object({ [name]: port }), env)[name] ?? null;

function validated<Shape extends z.ZodType>(shape: Shape, env: NodeJS.ProcessEnv): z.infer<Shape> {
  const parsed = shape.safeParse(env);
  if (parsed.success) return parsed.data;
  const reasons = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new StartupError(`Settings are wrong: ${reasons.join('; ')}`);
}

/** An empty setting is one that is not there (`PORT= npm start`), for the parts too. */
export function dropEmpty(env: NodeJS.ProcessEnv): void {
  for (const [name, value] of Object.entries(env)) if (value === '') delete env[name];
}
