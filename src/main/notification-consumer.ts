import type { OutboxConsumer } from '../contracts/events.ts';
import { createShortMessageGateway } from '../gateways/short-messages.ts';
import { createSmtpMailGateway } from '../gateways/smtp-mail.ts';
import { createNotifications } from '../notifications/notifications.ts';
import { ConfigError, readConfig, type Settings } from '../platform/config.ts';
import { createLogger } from '../platform/logger.ts';
import type { ReadModel } from '../read-model/database.ts';
import { TicketCodes } from '../tickets/ticket-codes.ts';

/** Who was given a booking may open its account for so long: as people read their mail. The ticket is good without. */
const INVITATION_TTL_MS = 30 * 24 * 60 * 60_000;

/**
 * Who tells people of their bookings, with the mail server and the carriers that the settings name.
 * @throws ConfigError
 */
export function notificationConsumer(db: ReadModel): OutboxConsumer {
  const config = readConfig([
    'NODE_ENV',
    'SMTP_URL',
    'SMTP_TLS',
    'MAIL_FROM',
    'MAILS_PER_SECOND_MAX',
    'SMS_GATEWAY_URL',
    'PUSH_GATEWAY_URL',
    'NOTIFY_HELD',
    'TICKET_SIGNING_KEY',
    'TICKET_SIGNING_KEYS_RETIRED',
  ]);
  const { SMTP_URL, SMS_GATEWAY_URL, PUSH_GATEWAY_URL } = config;
  // A message that has no way out is lost: nobody comes back to it when there is one.
  if (SMTP_URL === undefined && config.NODE_ENV === 'production') {
    throw new ConfigError('Settings are wrong: SMTP_URL: is missing');
  }
  const codes = new TicketCodes(config.TICKET_SIGNING_KEY, config.TICKET_SIGNING_KEYS_RETIRED);
  return createNotifications({
    db,
    mail: SMTP_URL === undefined ? null : createSmtpMailGateway(smtpSettings(SMTP_URL, config)),
    sms: SMS_GATEWAY_URL === undefined ? null : createShortMessageGateway(SMS_GATEWAY_URL),
    push: PUSH_GATEWAY_URL === undefined ? null : createShortMessageGateway(PUSH_GATEWAY_URL),
    codes,
    messageDomain: domainOf(config.MAIL_FROM),
    claimTokenOf: (userId) =>
      Promise.resolve(codes.printInvitation({ userId, expiresAtMs: Date.now() + INVITATION_TTL_MS })),
    tellHeld: config.NOTIFY_HELD === 'on',
    log: createLogger('relay'),
    nowMs: Date.now,
  });
}

const smtpSettings = (
  url: string,
  config: Pick<Settings, 'NODE_ENV' | 'SMTP_TLS' | 'MAIL_FROM' | 'MAILS_PER_SECOND_MAX'>,
) => ({
  url,
  from: config.MAIL_FROM,
  requireTls: (config.SMTP_TLS ?? (config.NODE_ENV === 'production' ? 'required' : 'optional')) === 'required',
  mailsPerSecondMax: config.MAILS_PER_SECOND_MAX,
});

/** `seatkeeper.example` of `Seatkeeper <tickets@seatkeeper.example>`. */
const domainOf = (from: string): string => /@([\w.-]+)>?\s*$/.exec(from)![1]!;
