import { createTransport } from 'nodemailer';
import { type Mail, type MailGateway, MessageRefusedError } from './mail.ts';

export interface SmtpSettings {
  /** `smtp://user:password@host:587`, or `smtps://` where TLS comes first. */
  readonly url: string;
  /** `Name <address>`. */
  readonly from: string;
  /** Without TLS nothing is sent. */
  readonly requireTls: boolean;
  readonly mailsPerSecondMax: number;
}

/** A mail server takes few at once of one sender, and each connection carries many mails after one another. */
const CONNECTIONS_MAX = 5;
const MAILS_PER_CONNECTION_MAX = 500;
const CONNECT_TIMEOUT_MS = 5_000;
const GREETING_TIMEOUT_MS = 5_000;
const DNS_TIMEOUT_MS = 5_000;
/** Of silence, while a mail is handed over: servers look for viruses meanwhile. */
const SOCKET_TIMEOUT_MS = 20_000;

/** Real SMTP, over a few connections that stay open. */
export function createSmtpMailGateway({ url, from, requireTls, mailsPerSecondMax }: SmtpSettings): MailGateway {
  const { protocol, hostname, port, username, password } = new URL(url);
  const secure = protocol === 'smtps:';
  const transport = createTransport({
    pool: true,
    host: hostname,
    port: Number(port) || (secure ? 465 : 587),
    secure,
    ...(username !== '' && { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
    requireTLS: requireTls && !secure,
    maxConnections: CONNECTIONS_MAX,
    maxMessages: MAILS_PER_CONNECTION_MAX,
    rateDelta: 1_000,
    rateLimit: mailsPerSecondMax,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    greetingTimeout: GREETING_TIMEOUT_MS,
    dnsTimeout: DNS_TIMEOUT_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    // What is attached is given; nothing is read from files or addresses that a text may name.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send(mail, signal) {
      try {
        await transport.sendMail({ from, signal, ...message(mail) });
      } catch (error) {
        throw isFinal(error) ? new MessageRefusedError((error as Error).message, { cause: error }) : error;
      }
    },
    close: () => transport.close(),
  };
}

const message = ({ messageId, to, subject, text, html, language, attachments }: Mail) => ({
  messageId: `<${messageId}>`,
  // As an object it is one address, whatever commas it may have.
  to: { name: '', address: to },
  subject: oneLine(subject),
  text,
  html,
  // RFC 3834: whoever answers by itself need not answer this.
  headers: { 'Auto-Submitted': 'auto-generated', 'Content-Language': language },
  attachments: attachments.map(({ name, type, bytes }) => ({ filename: name, contentType: type, content: bytes })),
});

/** A title may hold anything: what would begin another header is a space. */
const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();

/** What the server says of this mail or its address for good (5xx, RFC 5321); of our own login it may yet change its mind. */
function isFinal(error: unknown): boolean {
  const { responseCode, code, command } = error as { responseCode?: number; code?: string; command?: string };
  if (code === 'EAUTH' || command === 'CONN') return false;
  return responseCode !== undefined && responseCode >= 500 && /^(MAIL FROM|RCPT TO|DATA)$/.test(command ?? '');
}
