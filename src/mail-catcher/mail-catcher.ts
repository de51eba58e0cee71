import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CaughtMessages } from './caught-messages.ts';
import { catcherPages } from './pages.ts';
import { type CatcherLog, listenForMail } from './smtp-entrance.ts';

export interface MailCatcherSettings {
  readonly host: string;
  /** Of the page, and of SMS and push; 0 = any free port. */
  readonly port: number;
  readonly smtpPort: number;
}

export interface RunningMailCatcher {
  readonly port: number;
  readonly smtpPort: number;
  stop(): Promise<void>;
}

/** Takes all mail, SMS and push notices of a developer's machine, and shows them on a page. */
export async function startMailCatcher(settings: MailCatcherSettings, log: CatcherLog): Promise<RunningMailCatcher> {
  const caught = new CaughtMessages();
  const smtp = await listenForMail(caught, { host: settings.host, port: settings.smtpPort, log });
  const server = createServer(catcherPages(caught));
  server.listen(settings.port, settings.host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    smtpPort: smtp.port,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await Promise.all([closed, smtp.close()]);
    },
  };
}
