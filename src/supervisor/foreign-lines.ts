import type { Level } from 'pino';

/** A line of a program that is not ours, as our log has it. */
export interface ForeignLine {
  readonly level: Level;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

const badWord = /\b(warn|warning|error|fatal|panic|failed|exception)\b/i;

/**
 * Lines that sound bad and tell a person nothing: what they are about is expected, and who asked is answered. Each is
 * still there at `debug`.
 */
const harmless: readonly RegExp[] = [
  // Postgres' answer to whoever comes while it starts or stops: FATAL for that connection alone.
  /FATAL: {2}the database system is /,
  // A rule of the tables that refused a row: its asker has the error, and a 409 or a repeat is made of it.
  /ERROR: {2}.* violates (unique|exclusion|foreign key|check) constraint /,
  // What Postgres adds to the line before.
  /^[\d-]+ [\d:.]+ \S+ \[\d+\] (DETAIL|STATEMENT|HINT|CONTEXT): /,
  // The system was stopped at that time; the sweep's next run does what was left.
  /"msg":"Schedule missed catchup window"/,
  // These calls wait for a workflow's answer, a payment's for seconds: their time is the payment's, not the server's.
  /(?=.*"msg":"Slow gRPC call").*\/(UpdateWorkflowExecution|PollWorkflowExecutionUpdate|QueryWorkflow|ExecuteMultiOperation)"/,
];

/** A program's own words for what every line of ours has, and places in its source. */
const leftOut: ReadonlySet<string> = new Set([
  ...['time', 'ts', 'level', 'msg'],
  ...['logging-call-at', 'stacktrace', 'shard-id', 'address', 'queue-task', 'queue-task-key', 'wf-run-id'],
]);
/** A value longer than this is a dump. */
const detailMaxChars = 300;

/** Whether a line is one that a person should see who asks why a program ended. */
export const looksBad = (line: string): boolean => badWord.test(line) && !harmless.some((known) => known.test(line));

/** At `warn` when it looks like it, else at `debug`; of a line of JSON the message and what it is about. */
export function foreignLine(line: string): ForeignLine {
  const level = looksBad(line) ? 'warn' : 'debug';
  const { msg, ...fields } = line.startsWith('{') ? fieldsOf(line) : {};
  if (typeof msg !== 'string') return { level, message: line, details: {} };
  const details = Object.entries(fields).filter(([name]) => !leftOut.has(name));
  return { level, message: msg, details: Object.fromEntries(details.map(([name, value]) => [name, cut(value)])) };
}

function cut(value: unknown): unknown {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length <= detailMaxChars ? value : `${text.slice(0, detailMaxChars)}…`;
}

function fieldsOf(line: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}
