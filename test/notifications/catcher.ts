import { startMailCatcher, type RunningMailCatcher } from '../../src/mail-catcher/mail-catcher.ts';

export interface CaughtBody {
  readonly kind: 'email' | 'sms' | 'push';
  readonly id: string;
  readonly to: string;
  readonly from: string | null;
  readonly subject: string | null;
  readonly text: string;
  readonly html: string | null;
  readonly number: number;
  readonly attachments: readonly { readonly name: string; readonly type: string; readonly path: string }[];
}

/** A mail catcher for the tests of a file. */
export function useMailCatcher() {
  let catcher: RunningMailCatcher;
  beforeAll(async () => {
    catcher = await startMailCatcher({ host: '127.0.0.1', port: 0, smtpPort: 0 }, { warn: () => undefined });
  });
  afterAll(() => catcher.stop());
  const url = (): string => `http://127.0.0.1:${catcher.port}`;
  return {
    get url() {
      return url();
    },
    get smtpUrl() {
      return `smtp://127.0.0.1:${catcher.smtpPort}`;
    },
    async to(recipient: string): Promise<readonly CaughtBody[]> {
      const { items } = (await (await fetch(`${url()}/messages`)).json()) as { items: CaughtBody[] };
      return items.filter((item) => item.to === recipient).reverse();
    },
    async attachment({ attachments }: CaughtBody, index = 0): Promise<Buffer> {
      return Buffer.from(await (await fetch(`${url()}${attachments[index]!.path}`)).arrayBuffer());
    },
  };
}
