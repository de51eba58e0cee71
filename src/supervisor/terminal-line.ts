import { pino } from 'pino';

const dim = (text: string): string => `\u001b[2m${text}\u001b[22m`;
const yellow = (text: string): string => `\u001b[33m${text}\u001b[39m`;
const red = (text: string): string => `\u001b[31m${text}\u001b[39m`;

/** What every line has, and what is shown elsewhere in it. */
const shownApart = new Set(['level', 'time', 'part', 'msg', 'v']);

/** A line of the JSON log as a person reads it: time, part, message, then the other fields. */
export function terminalLine(json: string): string {
  const fields = parse(json);
  if (fields === null) return json;
  const time = typeof fields.time === 'string' ? fields.time.slice(11, 19) : '';
  const part = typeof fields.part === 'string' ? fields.part : '';
  const message = typeof fields.msg === 'string' ? fields.msg : '';
  const rest = Object.entries(fields)
    .filter(([name]) => !shownApart.has(name))
    .map(([name, value]) => `${name}=${shown(value)}`);
  const paint = painterOf(fields.level);
  return `${dim(`${time} ${part.padEnd(17)}`)} ${paint(message)} ${dim(rest.join(' '))}`.trimEnd();
}

/** Of an error its message: where it was thrown stands in the JSON, for whoever looks for that. */
function shown(value: unknown): string {
  if (typeof value === 'string') return value;
  const { message, stack } = (value ?? {}) as { message?: unknown; stack?: unknown };
  return typeof message === 'string' && stack !== undefined ? message : JSON.stringify(value);
}

/** One line for each field that is an address. */
export const addressList = (fields: object): string =>
  Object.entries(fields)
    .filter(([, value]) => typeof value === 'string' && value.startsWith('http'))
    .map(([name, value]) => `  ${name.padEnd(24)} ${String(value)}\n`)
    .join('');

function painterOf(level: unknown): (text: string) => string {
  if (typeof level !== 'number' || level < pino.levels.values.warn!) return (text) => text;
  return level < pino.levels.values.error! ? yellow : red;
}

function parse(json: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(json);
    return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
