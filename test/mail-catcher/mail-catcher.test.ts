import { createSmtpMailGateway } from '../../src/gateways/smtp-mail.ts';
import { CaughtMessages } from '../../src/mail-catcher/caught-messages.ts';
import { useMailCatcher } from '../notifications/catcher.ts';

const catcher = useMailCatcher();
const open: { close(): void }[] = [];
afterAll(() => open.forEach((gateway) => gateway.close()));

const script = '<script>document.title = "run"</script>';

async function mailed(to: string, subject = 'Hello') {
  const mail = createSmtpMailGateway({
    url: catcher.smtpUrl,
    from: 'a@seatkeeper.test',
    requireTls: false,
    mailsPerSecondMax: 50,
  });
  open.push(mail);
  const attachments = [{ name: 'ticket.pdf', type: 'application/pdf', bytes: Buffer.from('%PDF-1.3') }];
  await mail.send(
    {
      messageId: 'm@seatkeeper.test',
      to,
      subject,
      text: 'text',
      html: `<b>${script}</b>`,
      language: 'en',
      attachments,
    },
    new AbortController().signal,
  );
  return (await catcher.to(to))[0]!;
}

describe('the mail catcher', () => {
  it('keeps a mail with what it brings, and lists it on its page', async () => {
    const mail = await mailed('asha@example.org', `Hello ${script}`);
    expect(mail).toMatchObject({ kind: 'email', from: 'a@seatkeeper.test', text: 'text\n' });
    expect((await catcher.attachment(mail)).toString()).toBe('%PDF-1.3');
    const page = await (await fetch(catcher.url)).text();
    expect(page).toContain('Hello &lt;script&gt;');
    expect(page).toContain('asha@example.org');
    expect(page).not.toContain(script);
  });

  it('shows a mail’s own page in a frame in which nothing runs and nothing is loaded', async () => {
    const { number } = await mailed('frame@example.org');
    const page = await fetch(`${catcher.url}/?message=${number}`);
    const text = await page.text();
    expect(text).toContain(`<iframe sandbox title="The mail as its reader sees it" src="/messages/${number}/html">`);
    expect(text).not.toContain(script);
    expect(page.headers.get('Content-Security-Policy')).toContain("default-src 'none'");
    const frame = await fetch(`${catcher.url}/messages/${number}/html`);
    expect(await frame.text()).toContain(script);
    const policy = frame.headers.get('Content-Security-Policy')!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toMatch(/; sandbox$/);
  });

  it('keeps SMS and push notices too, and refuses what is neither', async () => {
    const sent = (kind: string, body: unknown) =>
      fetch(`${catcher.url}/${kind}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      });
    expect((await sent('sms', { id: '1', to: '+91981', text: 'hi' })).status).toBe(202);
    expect((await sent('push', { id: '2', to: 'device', text: 'hi' })).status).toBe(202);
    expect((await sent('sms', { to: '+91981' })).status).toBe(400);
    expect(await catcher.to('+91981')).toMatchObject([{ kind: 'sms', text: 'hi' }]);
    expect(await catcher.to('device')).toMatchObject([{ kind: 'push' }]);
  });

  it('says so when a message is not there', async () => {
    for (const path of ['/messages/99999/html', '/messages/x/html', '/messages/1/attachments/9', '/nothing']) {
      expect((await fetch(catcher.url + path)).status).toBe(404);
    }
    expect((await fetch(`${catcher.url}/?message=99999`)).status).toBe(200);
  });

  it('keeps the last ones, and no more than memory has room for', () => {
    const caught = new CaughtMessages();
    const message = {
      kind: 'sms',
      caughtAtMs: 0,
      to: 'x',
      id: '',
      from: null,
      subject: null,
      html: null,
      attachments: [],
    } as const;
    for (let number = 1; number <= 600; number += 1) caught.add({ ...message, text: `message ${number}` });
    expect(caught.count).toBe(600);
    expect(caught.list()).toHaveLength(500);
    expect(caught.list()[0]!.text).toBe('message 600');
    expect(caught.find(1)).toBeNull();
    const large = {
      ...message,
      text: '',
      attachments: [{ name: 'a', type: 'b', bytes: Buffer.alloc(30 * 1024 * 1024) }],
    };
    for (let number = 0; number < 3; number += 1) caught.add(large);
    expect(caught.list()).toHaveLength(2);
  });
});
