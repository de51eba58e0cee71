import type { Readable } from 'node:stream';
import type { Logger } from '../platform/logger.ts';
import { foreignLine, looksBad } from './foreign-lines.ts';
import type { Output } from './output.ts';
import { Repeats } from './repeats.ts';

/** A line longer than this is cut: a part that writes without line breaks must not grow the supervisor. */
const lineMaxChars = 64 * 1024;
/** As many of a part's last lines are kept to say why it did not start. */
const lastWordsMax = 20;
/** How our own parts' lines begin: pino's, with a number as level. Temporal's JSON has a word there. */
const ownLine = /^\{"level":(\d+),/;
/** pino's numbers of the levels at which a part may say one thing by the thousand. */
const repeatable: Readonly<Record<number, 'warn' | 'error'>> = { 40: 'warn', 50: 'error' };

export interface LineSink {
  readonly output: Output;
  /** For lines of foreign programs; its level is the least that is passed on. */
  readonly log: Logger;
  /** What a part complains about while it is being stopped is no news. */
  readonly isStopping: () => boolean;
  /** Called at the line with which a process of our own says that it answers. */
  readonly onReadyLine: () => void;
}

/**
 * Passes a part's lines on: our own as they are, but for the one that says that it is ready (there is one such line,
 * the system's); those of foreign programs as JSON lines with the part's name, at `warn` when they look like it, else
 * at `debug`. Of bad lines that are alike a few are passed on and the rest counted, unless the log is at `debug`.
 * @returns the last lines, oldest first, growing as they come.
 */
export function passLinesOn(streams: readonly Readable[], sink: LineSink): readonly string[] {
  const { output, log, isStopping } = sink;
  const lastWords: string[] = [];
  const repeats = new Repeats((text, count, level) => log[level]({ count }, `${count} more like this: ${text}`));
  const isRepeated = (level: 'warn' | 'error' | undefined, text: () => string): boolean =>
    level !== undefined && !log.isLevelEnabled('debug') && !repeats.isShown(level, text());
  const pass = (line: string): void => {
    if (line.trim() === '') return;
    lastWords.push(line);
    if (lastWords.length > lastWordsMax) lastWords.shift();
    const level = Number(ownLine.exec(line)?.[1]);
    if (isReadyLine(line)) sink.onReadyLine();
    else if (Number.isNaN(level)) passForeign(line);
    else if (level >= log.levelVal && !isRepeated(levelToRepeat(line, level), () => messageIn(line))) output.line(line);
  };
  const passForeign = (line: string): void => {
    const { level: own, message, details } = foreignLine(line);
    const level = isStopping() ? 'debug' : own;
    if (level === 'warn' && isRepeated(level, () => message)) return;
    log[level](Object.keys(details).length === 0 ? {} : { details }, message);
  };
  for (const stream of streams) splitLines(stream, pass);
  return lastWords;
}

/** What somebody must see to is told each time: it names what it is about. */
const levelToRepeat = (line: string, level: number): 'warn' | 'error' | undefined =>
  line.includes('"alert":') ? undefined : repeatable[level];

const isReadyLine = (line: string): boolean =>
  ownLine.test(line) && line.includes('"msg":"ready"') && fieldsOf(line)?.msg === 'ready';

function splitLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line.slice(0, lineMaxChars));
    if (rest.length > lineMaxChars) {
      onLine(rest.slice(0, lineMaxChars));
      rest = '';
    }
  });
  stream.on('end', () => onLine(rest));
}

/** What a part said that tells a person most about why it ended: its last bad line, else its last one. */
export function tellingLine(lastWords: readonly string[]): string {
  const line = lastWords.findLast((candidate) => looksBad(candidate) && !candidate.startsWith(' ')) ?? '';
  return messageIn(line === '' ? (lastWords.at(-1) ?? 'nothing') : line);
}

function messageIn(line: string): string {
  const { msg, activityType, reason, err, cause } = fieldsOf(line) ?? {};
  return (
    [msg, activityType, reason, err?.message, cause?.message]
      .filter((text) => typeof text === 'string' && text !== '')
      .join(': ') || line.trim()
  );
}

interface OwnFields {
  readonly msg?: string;
  /** Of the Temporal SDK's lines. */
  readonly activityType?: string;
  readonly reason?: string;
  readonly err?: { readonly message?: string };
  readonly cause?: { readonly message?: string };
}

function fieldsOf(line: string): OwnFields | null {
  try {
    return JSON.parse(line) as OwnFields;
  } catch {
    return null;
  }
}
