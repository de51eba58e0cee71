import { fileURLToPath } from 'node:url';
import { TemporalUnavailableError } from '../../temporal/server/contract.ts';
import { ConfigError } from '../platform/config.ts';
import { AlreadyRunningError } from '../supervisor/data-folder.ts';
import { createOutput } from '../supervisor/output.ts';
import { dropEmpty } from '../supervisor/settings.ts';
import { StartupError } from '../supervisor/startup-error.ts';
import { onStopRequest } from '../supervisor/stop-request.ts';
import { addressList } from '../supervisor/terminal-line.ts';
import { System } from './system.ts';

/**
 * The whole system on one machine: what `npm start` runs. Ends with exit code 0 when it was asked to stop and all of
 * it has stopped.
 */
const { env } = process;
dropEmpty(env);
const output = createOutput(process.stdout, env.LOG_LEVEL ?? 'info', process.stderr);
const log = output.logger('supervisor');
refuseArguments(process.argv.slice(2));
const system = new System(env, fileURLToPath(new URL('../..', import.meta.url)), output);

/** As a shell says it of a program ended by Ctrl-C. */
const killedExitCode = 130;

onStopRequest({
  first: (why) => {
    log.info({ why }, 'stopping');
    stopped(0);
  },
  again: () => {
    system.kill();
    process.exit(killedExitCode);
  },
});

/** Ends this process when all parts have ended. */
function stopped(exitCode: number): void {
  system.stop().then(
    () => {
      if (exitCode === 0) log.info('stopped');
      process.exit(exitCode);
    },
    (error: unknown) => {
      log.fatal({ err: error }, 'could not stop in order');
      system.kill();
      process.exit(1);
    },
  );
}

function failed(error: unknown): void {
  if (system.isStopping) return;
  if (error instanceof AlreadyRunningError) {
    const { addresses } = error.state;
    output.explain('supervisor', 'error', { ...addresses }, error.message, addressList(addresses ?? {}));
  } else if (isForAPerson(error)) output.explain('supervisor', 'fatal', {}, error.message);
  else output.explain('supervisor', 'fatal', { err: error }, `The system could not be started: ${String(error)}`);
  stopped(1);
}

/** An argument that is silently ignored is a setting that somebody believes in. */
function refuseArguments(args: readonly string[]): void {
  if (args.length === 0) return;
  output.explain(
    'supervisor',
    'fatal',
    {},
    `npm start takes no arguments, and was given ${args.join(' ')}: settings are environment variables, ` +
      `as in PORT=3005 npm start.`,
  );
  process.exit(1);
}

/** One sentence that says what to put right; where it was thrown interests nobody. */
const isForAPerson = (error: unknown): error is Error =>
  error instanceof StartupError || error instanceof ConfigError || error instanceof TemporalUnavailableError;

process.on('uncaughtException', (error) => failed(error));
process.on('unhandledRejection', (error) => failed(error));
system.start().catch(failed);
