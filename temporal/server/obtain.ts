import { mkdir, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Logger } from '../../src/platform/logger.ts';
import { TemporalUnavailableError } from './contract.ts';
import { goInstall, isExecutable } from './go-install.ts';
import { runCommand, type CommandOutcome } from './run-command.ts';
import { downloadThroughSdk } from './sdk-download.ts';
import { temporalCli, temporalServer, temporalSqlTool, temporalUiServer, type Tool } from './tools.ts';

export interface ObtainOptions {
  /** `defaultCacheDir()`; made when it is not there. */
  readonly cacheDir: string;
  /** Read: `PATH`, the tools' overrides, `TEMPORAL_DOWNLOAD` (`off` = nothing is downloaded through the SDK). */
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
  readonly signal?: AbortSignal;
}

export interface ServerBinaries {
  readonly server: string;
  readonly sqlTool: string;
  readonly uiServer: string;
}

/** A binary, or why this source has none. */
type Found = { readonly file: string } | { readonly reason: string };

/** The file itself when it serves, otherwise why not. */
type Check = (file: string) => Promise<Found>;

/** A place where a binary may come from, tried in order. */
interface Source {
  readonly name: string;
  find(): Promise<Found>;
}

/**
 * Update-with-start and the UI that the workflows are written for came with CLI 1.3, which carries Server 1.27. A CLI
 * built from its module calls itself 0.0.0-DEV, so the server's version is the one to ask for.
 */
const oldestServer = [1, 27] as const;
/** A first start reads 250 MB from disk. */
const versionTimeoutMs = 15_000;

/** Folder of the user's cache for what takes long to get, shared by all clones. */
export function defaultCacheDir(env: NodeJS.ProcessEnv): string {
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'seatkeeper');
}

/**
 * The Temporal CLI, whose `server start-dev` is the development server: named by `TEMPORAL_CLI`, on the PATH, in the
 * cache, downloaded by the SDK, or built from its Go module. Logs one line for each.
 * @returns path of the binary.
 * @throws TemporalUnavailableError when there is none, or when the one that `TEMPORAL_CLI` names does not serve.
 */
export async function obtainTemporalCli(options: ObtainOptions): Promise<string> {
  const { cacheDir, env } = options;
  const named = await namedBinary(temporalCli, options, (file) => cliFault(file, options));
  if (named !== null) return named;

  const built = cachedFile(cacheDir, temporalCli);
  const downloaded = cachedFile(cacheDir, { ...temporalCli, version: 'of-sdk' });
  const check = (file: string) => checked(file, cliFault(file, options));
  const found = await firstFound(temporalCli, options, [
    { name: 'PATH', find: () => onPath('temporal', env, check) },
    { name: 'cache', find: () => fromCache([built, downloaded], check) },
    { name: 'SDK download', find: () => viaSdk(downloaded, options, check) },
    { name: 'go install', find: () => viaGo(temporalCli, built, options) },
  ]);
  if (found !== null) return found;
  throw new TemporalUnavailableError(
    'No Temporal server could be had: install Go 1.24 or newer (https://go.dev/dl) or the Temporal CLI 1.3 or newer ' +
      '(https://docs.temporal.io/cli), or set TEMPORAL_ADDRESS to a server that runs.',
  );
}

/**
 * The three programs of the `server` profile, each named by its variable, in the cache, or built from its Go module.
 * @throws TemporalUnavailableError when one of them cannot be had.
 */
export async function obtainServerBinaries(options: ObtainOptions): Promise<ServerBinaries> {
  return {
    server: await obtainFromGo(temporalServer, options),
    sqlTool: await obtainFromGo(temporalSqlTool, options),
    uiServer: await obtainFromGo(temporalUiServer, options),
  };
}

/** Whether `obtainServerBinaries` would find all of them without building. */
export async function serverBinariesAtHand({
  cacheDir,
  env,
}: Pick<ObtainOptions, 'cacheDir' | 'env'>): Promise<boolean> {
  for (const tool of [temporalServer, temporalSqlTool, temporalUiServer]) {
    if (!(await isExecutable(env[tool.override] || cachedFile(cacheDir, tool)))) return false;
  }
  return true;
}

async function obtainFromGo(tool: Tool, options: ObtainOptions): Promise<string> {
  const named = await namedBinary(tool, options, (file) => anyFault(file, options));
  const check = (file: string) => checked(file, anyFault(file, options));
  if (named !== null) return named;
  const built = cachedFile(options.cacheDir, tool);
  const found = await firstFound(tool, options, [
    { name: 'cache', find: () => fromCache([built], check) },
    { name: 'go install', find: () => viaGo(tool, built, options) },
  ]);
  if (found !== null) return found;
  throw new TemporalUnavailableError(
    `${tool.name} could not be had: install Go 1.26 or newer (https://go.dev/dl), or set ${tool.override} to a binary.`,
  );
}

/** The binary that the user names has to serve: to take another one instead would surprise. */
async function namedBinary(
  tool: Tool,
  { env, log }: ObtainOptions,
  fault: (file: string) => Promise<string | null>,
): Promise<string | null> {
  const file = env[tool.override];
  if (!file) return null;
  const reason = await fault(file);
  if (reason !== null) throw new TemporalUnavailableError(`${tool.override} names ${file}, which ${reason}.`);
  log.info({ file }, `${tool.name}: ${tool.override}: used`);
  return file;
}

async function firstFound(
  tool: Tool,
  { log, signal }: ObtainOptions,
  sources: readonly Source[],
): Promise<string | null> {
  for (const source of sources) {
    const found = await source.find().catch((error: Error) => ({ reason: error.message }));
    signal?.throwIfAborted();
    if ('file' in found) {
      log.info({ file: found.file }, `${tool.name}: ${source.name}: used`);
      return found.file;
    }
    log.info(`${tool.name}: ${source.name}: ${found.reason}`);
  }
  return null;
}

async function viaSdk(file: string, options: ObtainOptions, check: Check): Promise<Found> {
  if (options.env.TEMPORAL_DOWNLOAD === 'off') return { reason: 'switched off by TEMPORAL_DOWNLOAD' };
  await mkdir(options.cacheDir, { recursive: true });
  const reason = await downloadThroughSdk(file, options);
  if (reason !== null) return { reason };
  const found = await check(file);
  if ('reason' in found) await rm(file, { force: true });
  return found;
}

async function viaGo(tool: Tool, file: string, options: ObtainOptions): Promise<Found> {
  const reason = await goInstall(tool, file, options);
  return reason === null ? { file } : { reason };
}

function cachedFile(cacheDir: string, { name, version }: Tool): string {
  return join(cacheDir, `${name}-${version}-${process.platform}-${process.arch}`, name);
}

async function onPath(name: string, env: NodeJS.ProcessEnv, check: Check): Promise<Found> {
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const folder of folders) {
    const file = join(folder, name);
    // Like the shell: the first one counts, good or not.
    if (await isExecutable(file)) return check(file);
  }
  return { reason: `no ${name}` };
}

/** A file of the cache that does not run is of no use to anybody, and in the way of its replacement. */
async function fromCache(files: readonly string[], check: Check): Promise<Found> {
  let reason = 'not there yet';
  for (const file of files) {
    if (!(await isExecutable(file))) continue;
    const found = await check(file);
    if ('file' in found) return found;
    reason = `removed, ${found.reason}`;
    await rm(file, { force: true });
  }
  return { reason };
}

async function checked(file: string, fault: Promise<string | null>): Promise<Found> {
  const reason = await fault;
  return reason === null ? { file } : { reason: `${file} ${reason}` };
}

/** Null when the CLI serves, otherwise why not. */
async function cliFault(file: string, options: ObtainOptions): Promise<string | null> {
  const { output, failure } = await versionOf(file, options);
  if (failure !== null) return `does not run: ${failure}`;
  const version = /\(Server (\d+)\.(\d+)\./.exec(output);
  if (version === null) return 'is not the Temporal CLI';
  const [major, minor] = [Number(version[1]), Number(version[2])];
  const [oldestMajor, oldestMinor] = oldestServer;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return null;
  return `is too old: it carries Server ${major}.${minor}, ${oldestMajor}.${oldestMinor} (CLI 1.3) is needed`;
}

async function anyFault(file: string, options: ObtainOptions): Promise<string | null> {
  const { failure } = await versionOf(file, options);
  return failure === null ? null : `does not run: ${failure}`;
}

/** What the binary says of its version, as one line. */
export async function versionLine(file: string, options: Pick<ObtainOptions, 'env' | 'signal'>): Promise<string> {
  return (await versionOf(file, options)).output.trim();
}

function versionOf(file: string, { env, signal }: Pick<ObtainOptions, 'env' | 'signal'>): Promise<CommandOutcome> {
  return runCommand(file, ['--version'], { env, timeoutMs: versionTimeoutMs, signal });
}
