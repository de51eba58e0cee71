import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import PostalMime from 'postal-mime';
import { SMTPServer, type SMTPServerDataStream } from 'smtp-server';
import type { CaughtMessages } from './caught-messages.ts';

/** Ours have some 100 KB with a ticket. */
const MAIL_BYTES_MAX = 10 * 1024 * 1024;
const CLIENTS_MAX = 50;
const IDLE_TIMEOUT_MS = 60_000;
const CLOSE_TIMEOUT_MS = 1_000;

export interface CatcherLog {
  warn(details: object, message: string): void;
}

export interface SmtpEntrance {
  readonly port: number;
  close(): Promise<void>;
}

/** A mail server that takes everything, from anybody, for everybody, and delivers nothing. */
export async function listenForMail(
  caught: CaughtMessages,
  { host, port, log }: { readonly host: string; readonly port: number; readonly log: CatcherLog },
): Promise<SmtpEntrance> {
  const server = new SMTPServer({
    banner: 'mail catcher: nothing is delivered',
    disabledCommands: ['AUTH', 'STARTTLS'],
    size: MAIL_BYTES_MAX,
    maxClients: CLIENTS_MAX,
    socketTimeout: IDLE_TIMEOUT_MS,
    closeTimeout: CLOSE_TIMEOUT_MS,
    onData(stream, session, callback) {
      const to = session.envelope.rcptTo.map(({ address }) => address).join(', ');
      keep(caught, stream, to).then(
        () => callback(),
        (error: unknown) => callback(error instanceof Error ? error : new Error(String(error))),
      );
    },
  });
  server.on('error', (error: Error) => log.warn({ err: error }, 'a mail was not caught'));
  server.listen(port, host);
  await once(server.server, 'listening');
  return {
    port: (server.server.address() as AddressInfo).port,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

async function keep(caught: CaughtMessages, stream: SMTPServerDataStream, to: string): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) if (!stream.sizeExceeded) chunks.push(chunk as Buffer);
  if (stream.sizeExceeded) throw Object.assign(new Error('the mail is too large'), { responseCode: 552 });
  const mail = await PostalMime.parse(Buffer.concat(chunks), { attachmentEncoding: 'arraybuffer' });
  caught.add({
    kind: 'email',
    caughtAtMs: Date.now(),
    to,
    id: mail.messageId ?? '',
    from: mail.from?.address ?? null,
    subject: mail.subject ?? null,
    text: mail.text ?? '',
    html: mail.html ?? null,
    attachments: mail.attachments.map(({ filename, mimeType, content }) => ({
      name: filename ?? 'attachment',
      type: mimeType,
      bytes: Buffer.from(content as ArrayBuffer),
    })),
  });
}
