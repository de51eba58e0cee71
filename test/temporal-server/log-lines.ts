import { EventEmitter, on } from 'node:events';
import { pino, type Logger } from 'pino';

/** A logger whose lines a test reads, and waits for. */
export function recordingLog(): { log: Logger; messages: string[]; line: (text: string) => Promise<void> } {
  const messages: string[] = [];
  const written = new EventEmitter();
  const log = pino(
    { level: 'info' },
    {
      write: (json: string) => {
        messages.push((JSON.parse(json) as { msg: string }).msg);
        written.emit('line');
      },
    },
  );
  const line = async (text: string): Promise<void> => {
    const seen = () => messages.some((message) => message.includes(text));
    if (seen()) return;
    for await (const _ of on(written, 'line')) if (seen()) return;
  };
  return { log, messages, line };
}
