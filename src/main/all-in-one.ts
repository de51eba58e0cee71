import { fileURLToPath } from 'node:url';
import { TemporalUnavailableError } from '../../temporal/server/contract.ts';
import { ConfigError } from '../platform/config.ts';
import { AlreadyRunningError } from '../supervisor/data-folder.ts';
import { createOutput } from '../supervisor/output.ts';
import { dropEmpty } from '../supervisor/settings.ts';
import { StartupError } from '../supervisor/startup-error.ts';
import { onStopRequest } from '../supervisor/stop-request.ts';
import { System } from './system.ts';

/**
 * The whole system on one machine: what `npm start` runs. Ends with exit code 0 when it was asked to stop and all of
 * it has stopped.
 */
const { env } = process;
dropEmpty(env);
const output = createOutput(process.stdout, env.LOG_LEVEL ?? 'info');
const log = output.logger('supervisor');
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
  if (error instanceof AlreadyRunningError) log.error({ ...error.state.addresses }, error.message);
  else if (isForAPerson(error)) log.fatal(error.message);
  else log.fatal({ err: error }, 'the system could not be started');
  stopped(1);
}

/** One sentence that says what to put right; where it was thrown interests nobody. */
const isForAPerson = (error: unknown): error is Error =>
  error instanceof StartupError || error instanceof ConfigError || error instanceof TemporalUnavailableError;

process.on('uncaughtException', (error) => failed(error));
process.on('unhandledRejection', (error) => failed(error));
system.start().catch(failed);
