import { pino } from 'pino';
import type { Logger } from '../platform/logger.ts';
import { addressList, terminalLine } from './terminal-line.ts';

/** Where the lines of all parts come together. */
export interface Output {
  /** Passes on one line of JSON, as a part wrote it. */
  line(text: string): void;
  logger(part: string): Logger;
  /**
   * A line of JSON that comes whatever the log level is, also on a terminal: programs wait for it there, too. On a
   * terminal the addresses in it are listed for a person first.
   */
  announce(part: string, fields: object, message: string): void;
}

/**
 * Lines of JSON, for programs; on a terminal the same lines are written for a person. The reader may go away (a closed
 * pipe): then the lines are lost and the system runs on.
 */
export function createOutput(stream: NodeJS.WriteStream, wantedLevel: string): Output {
  // A level that does not exist is told where all settings are checked.
  const level = Object.hasOwn(pino.levels.values, wantedLevel) || wantedLevel === 'silent' ? wantedLevel : 'info';
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  const line = (text: string): void => {
    if (!stream.writable) return;
    stream.write(`${stream.isTTY ? terminalLine(text) : text}\n`);
  };
  const loggerAt = (part: string, level: string): Logger =>
    pino(
      { level, base: { part }, timestamp: pino.stdTimeFunctions.isoTime },
      { write: (text: string) => line(text.trimEnd()) },
    );
  return {
    line,
    logger: (part) => loggerAt(part, level),
    announce: (part, fields, message) => {
      if (stream.isTTY) stream.write(addressList(fields));
      pino({ base: { part }, timestamp: pino.stdTimeFunctions.isoTime }, stream).info(fields, message);
    },
  };
}
