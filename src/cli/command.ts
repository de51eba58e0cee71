import { type Command, CommanderError } from 'commander';
import { reasonOf } from './patience.ts';

/** Exit code of a command that could not be done, or was called wrongly. */
export const NOT_DONE = 2;

/** Ends the command with a sentence for its user. */
export class Stopped extends Error {
  readonly exitCode: number;
  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Runs what the command line asks for. The exit code is set, not taken: what was written is still to go out. */
export async function runCommand(command: Command): Promise<void> {
  for (const each of [command, ...command.commands]) each.exitOverride();
  try {
    await command.parseAsync();
  } catch (error) {
    // commander has said its part already.
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : NOT_DONE;
    else {
      console.error(reasonOf(error));
      process.exitCode = error instanceof Stopped ? error.exitCode : NOT_DONE;
    }
  }
}
