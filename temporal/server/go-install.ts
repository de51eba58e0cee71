import { access, constants, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Logger } from '../../src/platform/logger.ts';
import { withCacheLock } from './cache-lock.ts';
import { runCommand } from './run-command.ts';
import type { Tool } from './tools.ts';

const goVersionTimeoutMs = 10_000;
/** Three to four minutes on two cores with nothing cached; a slow machine on a slow line may take several times that. */
const buildTimeoutMs = 30 * 60_000;
const progressMs = 10_000;

export interface GoInstallOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
  readonly signal?: AbortSignal;
}

/**
 * Builds a tool from its pinned Go module and puts it at `destination`, whole or not at all. Two processes that want
 * the same tool build it once.
 * @returns null when it is there, otherwise why not.
 */
export async function goInstall(tool: Tool, destination: string, options: GoInstallOptions): Promise<string | null> {
  const { env, log, signal } = options;
  const version = await runCommand('go', ['version'], { env, timeoutMs: goVersionTimeoutMs, signal });
  if (version.failure !== null) return `go does not run: ${version.failure}`;

  const folder = dirname(destination);
  await mkdir(folder, { recursive: true });
  const purpose = `building ${tool.name} ${tool.version}`;
  return withCacheLock(`${destination}.lock`, { log, purpose, signal }, async () => {
    if (await isExecutable(destination)) return null;
    await removeLeftovers(destination);
    return build(tool, destination, options);
  });
}

async function build(tool: Tool, destination: string, { env, log, signal }: GoInstallOptions): Promise<string | null> {
  const binDir = await mkdtemp(`${destination}.building-`);
  const startedAt = Date.now();
  const elapsedSeconds = () => Math.round((Date.now() - startedAt) / 1000);
  const what = `${tool.name} ${tool.version} from its Go module`;
  log.info(`building ${what}: once per machine, about four minutes on two cores`);
  const progress = setInterval(() => log.info({ elapsedSeconds: elapsedSeconds() }, `building ${what}`), progressMs);
  try {
    // Without symbol tables: a third less to read from disk at every start.
    const args = ['install', '-ldflags=-s -w', `${tool.goPackage}@v${tool.version}`];
    const run = await runCommand('go', args, {
      env: { ...withoutCrossCompiling(env), GOBIN: binDir },
      cwd: binDir,
      timeoutMs: buildTimeoutMs,
      signal,
    });
    if (run.failure !== null) return `go install ${run.failure}: ${run.output.trim().split('\n').at(-1) ?? ''}`;
    await rename(join(binDir, tool.goBinary), destination);
    log.info({ elapsedSeconds: elapsedSeconds(), destination }, `built ${what}`);
    return null;
  } finally {
    clearInterval(progress);
    await rm(binDir, { recursive: true, force: true });
  }
}

/** Folders of builds that were killed: older than a build may become. Another machine may share the disk, and build. */
async function removeLeftovers(destination: string): Promise<void> {
  const prefix = `${basename(destination)}.building-`;
  for (const name of await readdir(dirname(destination))) {
    if (!name.startsWith(prefix)) continue;
    const folder = join(dirname(destination), name);
    const info = await stat(folder).catch(() => null);
    if (info !== null && Date.now() - info.mtimeMs > buildTimeoutMs) await rm(folder, { recursive: true, force: true });
  }
}

/** The tool runs here, whatever the caller builds for; Go refuses GOBIN for another platform. */
function withoutCrossCompiling(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { GOOS: _os, GOARCH: _arch, ...rest } = env;
  return rest;
}

export async function isExecutable(file: string): Promise<boolean> {
  const info = await stat(file).catch(() => null);
  if (info === null || !info.isFile()) return false;
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
