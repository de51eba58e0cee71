import type { Readable } from 'node:stream';
import type { Logger } from '../platform/logger.ts';
import type { Output } from './output.ts';

/** A line longer than this is cut: a part that writes without line breaks must not grow the supervisor. */
const lineMaxChars = 64 * 1024;
/** As many of a part's last lines are kept to say why it did not start. */
const lastWordsMax = 20;
/** How our own parts' lines begin: pino's, with a number as level. Temporal's JSON has a word there. */
const ownLine = /^\{"level":(\d+),/;
/** Postgres' answer to whoever comes while it starts or stops: FATAL for that connection, nothing for a person. */
const harmless = /FATAL: {2}the database system is /;
const badWord = /\b(warn|warning|error|fatal|panic|failed|exception)\b/i;

const looksBad = (line: string): boolean => badWord.test(line) && !harmless.test(line);

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
 * at `debug`.
 * @returns the last lines, oldest first, growing as they come.
 */
export function passLinesOn(streams: readonly Readable[], sink: LineSink): readonly string[] {
  const { output, log } = sink;
  const lastWords: string[] = [];
  const pass = (line: string): void => {
    if (line.trim() === '') return;
    lastWords.push(line);
    if (lastWords.length > lastWordsMax) lastWords.shift();
    const level = Number(ownLine.exec(line)?.[1]);
    if (isReadyLine(line)) sink.onReadyLine();
    else if (level >= log.levelVal) output.line(line);
    else if (Number.isNaN(level)) logForeign(line, sink);
  };
  for (const stream of streams) splitLines(stream, pass);
  return lastWords;
}

/** A foreign program that logs JSON has its own words for the time and the level: its message is taken out of them. */
function logForeign(line: string, { log, isStopping }: LineSink): void {
  const { msg, ...details } = line.startsWith('{') ? (fieldsOf(line) ?? {}) : {};
  const level = looksBad(line) && !isStopping() ? 'warn' : 'debug';
  if (typeof msg === 'string') log[level]({ details }, msg);
  else log[level](line);
}

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
  const { msg, err, reason } = fieldsOf(line) ?? {};
  return (
    [msg, reason, err?.message].filter((text) => typeof text === 'string' && text !== '').join(': ') || line.trim()
  );
}

function fieldsOf(line: string): { msg?: string; reason?: string; err?: { message?: string } } | null {
  try {
    return JSON.parse(line) as object;
  } catch {
    return null;
  }
}
