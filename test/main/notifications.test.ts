import type { SessionBody } from '../../src/contracts/http/accounts.ts';
import { TicketCodes } from '../../src/tickets/ticket-codes.ts';
import { ApiClient, eventually } from '../api/http-client.ts';
import { useMailCatcher } from '../notifications/catcher.ts';
import { book } from '../setup/bookings.ts';
import { TestProcess } from '../setup/process.ts';
import { openShow } from '../setup/shows.ts';
import { testSecrets, useTestSystem } from '../setup/system.ts';
import { readPdf } from '../tickets/read-pdf.ts';

const system = useTestSystem({ apis: 1 });
const catcher = useMailCatcher();
let relay: TestProcess;

beforeAll(async () => {
  relay = new TestProcess('relay', ['src/main/relay.ts'], {
    ...system.env,
    SMTP_URL: catcher.smtpUrl,
    SMS_GATEWAY_URL: `${catcher.url}/sms`,
  });
  await relay.start();
}, 120_000);

afterAll(() => relay.kill());

async function guest(body: object): Promise<ApiClient> {
  const url = system.apiUrls[0]!;
  const answer = await new ApiClient(url).post<SessionBody>('/auth/guest', body);
  return new ApiClient(url, { token: answer.body.accessToken, userId: answer.body.user.id });
}

describe('the relay', () => {
  it('sends who has bought seats the ticket by mail, which the door takes', async () => {
    const show = await openShow(system);
    const buyer = await guest({ email: 'whole-path@example.org', locale: 'hi' });
    const { id } = await buyer.held(show.id, ['A1', 'A2']);
    expect((await buyer.pay(id, 'tok_ok')).status).toBe(200);
    const [mail] = await eventually(
      () => catcher.to('whole-path@example.org'),
      (mails) => mails.length > 0,
    );
    expect(mail!.text).toContain('आपकी 2 सीटें बुक हो गई हैं।');
    const { qr } = readPdf(await catcher.attachment(mail!));
    expect(new TicketCodes(testSecrets.TICKET_SIGNING_KEY).read(qr!)).toEqual({ bookingId: id, ticketVersion: 1 });
  });

  it('sends who is given a booking its ticket, and what opens the account that it came with', async () => {
    const show = await openShow(system);
    const giver = await guest({ email: 'giver@example.org' });
    const { id } = await giver.held(show.id, ['E1']);
    await giver.pay(id, 'tok_ok');
    expect((await giver.post(`/bookings/${id}/transfer`, { email: 'receiver@example.org' })).status).toBe(200);
    const invitation = /SI1\.[\w.-]+/;
    // Not always the first: what is told late goes to whose the booking is by then.
    const invitations = async () =>
      (await catcher.to('receiver@example.org')).filter(({ text }) => invitation.test(text));
    const [mail] = await eventually(invitations, (mails) => mails.length > 0);
    const { qr } = readPdf(await catcher.attachment(mail!));
    expect(new TicketCodes(testSecrets.TICKET_SIGNING_KEY).read(qr!)).toEqual({ bookingId: id, ticketVersion: 2 });
    const token = invitation.exec(mail!.text)?.[0];
    const { status, body } = await new ApiClient(giver.url).post<SessionBody>('/auth/claim', { token });
    expect(status).toBe(200);
    const receiver = new ApiClient(giver.url, { token: body.accessToken, userId: body.user.id });
    expect(await receiver.booking(id)).toMatchObject({ status: 'CONFIRMED' });
  });

  it('tells who did not pay by SMS that the seats are still free', async () => {
    const { userId } = await book(system, await openShow(system), [0, 1], { holdTtlMs: 6_000 });
    const buyer = { id: userId, role: 'guest', phone: '+919800000001', created_at: new Date() };
    await system.db.insertInto('users').values(buyer).execute();
    const [sms] = await eventually(
      () => catcher.to('+919800000001'),
      (messages) => messages.length > 0,
    );
    expect(sms!.text).toMatch(/^Your seats for A Film were not paid, and are still free/);
  });

  it('that was killed sends what it had not sent, each once', async () => {
    const show = await openShow(system);
    const buyer = await guest({ email: 'killed@example.org' });
    const buy = async (seatIds: readonly string[]) => {
      const { id } = await buyer.held(show.id, seatIds);
      await buyer.pay(id, 'tok_ok');
    };
    await relay.kill();
    await buy(['C1', 'C2']);
    await relay.start();
    await eventually(sentTo(buyer), (sent) => sent.length === 1);
    await relay.kill();
    await buy(['D1', 'D2']);
    await relay.start();
    await eventually(sentTo(buyer), (sent) => sent.length === 2);
    expect(await catcher.to('killed@example.org')).toHaveLength(2);
  });
});

const sentTo = (buyer: ApiClient) => () =>
  system.db
    .selectFrom('notifications_sent')
    .select('event_id')
    .where('user_id', '=', buyer.userId!)
    .where('outcome', '=', 'SENT')
    .execute();
