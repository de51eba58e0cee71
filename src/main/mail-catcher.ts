import { startMailCatcher } from '../mail-catcher/mail-catcher.ts';
import { readConfig } from '../platform/config.ts';
import { createLogger } from '../platform/logger.ts';
import { standBackForBookings } from './after-bookings.ts';
import { urlOf } from './listening.ts';
import { exitWith, whenAskedToStop } from './process-life.ts';

/** The mail catcher as a process of its own. Logs one line with `"msg":"ready"` and its `url`. */
const log = createLogger('mail-catcher');

async function main(): Promise<void> {
  const askedToStop = whenAskedToStop(log);
  standBackForBookings();
  const { MAILS_HOST, MAILS_PORT, MAILS_SMTP_PORT } = readConfig(['MAILS_HOST', 'MAILS_PORT', 'MAILS_SMTP_PORT']);
  const catcher = await startMailCatcher({ host: MAILS_HOST, port: MAILS_PORT, smtpPort: MAILS_SMTP_PORT }, log);
  log.info({ url: urlOf(MAILS_HOST, catcher.port), smtpPort: catcher.smtpPort }, 'ready');
  await askedToStop();
  await catcher.stop();
}

exitWith(main(), log, 'the mail catcher cannot run');
