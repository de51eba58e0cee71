import type { Writable } from 'node:stream';
import { pino } from 'pino';
import type { Logger } from '../platform/logger.ts';
import { terminalLine } from './terminal-line.ts';

/** Where the lines of all parts come together. */
export interface Output {
  /** Passes on one line of JSON, as a part wrote it. */
  line(text: string): void;
  logger(part: string): Logger;
  /**
   * A line of JSON that comes whatever the log level is, also on a terminal: programs wait for it there, too. On a
   * terminal `block` follows, which says the same for a person.
   */
  announce(part: string, fields: object, message: string, block: string): void;
  /**
   * Says why the system does not start: as a line of the log with all `fields`, and as a sentence for a person, with
   * `details` below it, where no level hides it.
   */
  explain(part: string, level: 'error' | 'fatal', fields: object, sentence: string, details?: string): void;
}

type OutputStream = Writable & { readonly isTTY?: boolean };

/**
 * Lines of JSON, for programs; on a terminal the same lines are written for a person. The reader may go away (a closed
 * pipe): then the lines are lost and the system runs on.
 * @param people where sentences for a person go when `stream` is not a terminal
 */
export function createOutput(stream: OutputStream, wantedLevel: string, people: Writable | null = null): Output {
  // A level that does not exist is told where all settings are checked.
  const level = Object.hasOwn(pino.levels.values, wantedLevel) || wantedLevel === 'silent' ? wantedLevel : 'info';
  for (const each of people === null ? [stream] : [stream, people]) {
    each.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
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
    announce: (part, fields, message, block) => {
      pino({ base: { part }, timestamp: pino.stdTimeFunctions.isoTime }, stream).info(fields, message);
      if (stream.isTTY) stream.write(block);
    },
    explain: (part, atLevel, fields, sentence, details = '') => {
      if (!stream.isTTY) {
        loggerAt(part, level)[atLevel](fields, sentence);
        people?.write(`${sentence}\n${details}`);
        return;
      }
      loggerAt(part, 'fatal').fatal(sentence);
      stream.write(details);
    },
  };
}
