import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { type OutboxEvent, UndeliverableEventError } from '../../src/contracts/events.ts';
import { createShortMessageGateway } from '../../src/gateways/short-messages.ts';
import { createSmtpMailGateway } from '../../src/gateways/smtp-mail.ts';
import { createNotifications, type NotificationDeps } from '../../src/notifications/notifications.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { recordConfirmations } from '../../src/read-model/booking-records.ts';
import { insertHeldBookings } from '../../src/read-model/bookings.ts';
import { TicketCodes } from '../../src/tickets/ticket-codes.ts';
import { someConfirmation, someHold, someId } from '../read-model/bookings-of-tests.ts';
import { insertSomeMovie, insertSomeShow } from '../read-model/catalogue-of-tests.ts';
import { useTestDatabase } from '../setup/postgres.ts';
import { readPdf } from '../tickets/read-pdf.ts';
import { useMailCatcher } from './catcher.ts';
import { oneOfEach, someEvent } from './some-events.ts';

const database = useTestDatabase();
const catcher = useMailCatcher();
const codes = new TicketCodes('a key of the tests, long enough for a key');
const never = new AbortController().signal;
let lastEventId = 0;

const smtp = (url: string) =>
  createSmtpMailGateway({
    url,
    from: 'Seatkeeper <tickets@seatkeeper.test>',
    requireTls: false,
    mailsPerSecondMax: 500,
  });

const opened: { close(): void }[] = [];
afterAll(() => opened.forEach((gateway) => gateway.close()));

function consumer(changed: Partial<NotificationDeps> = {}) {
  const mail = changed.mail === undefined ? smtp(catcher.smtpUrl) : changed.mail;
  if (mail) opened.push(mail);
  const notifications = createNotifications({
    db: database.db,
    sms: createShortMessageGateway(`${catcher.url}/sms`),
    push: createShortMessageGateway(`${catcher.url}/push`),
    codes,
    messageDomain: 'seatkeeper.test',
    claimTokenOf: (userId) => Promise.resolve(`token-of-${userId}`),
    tellHeld: true,
    log: createLogger('test'),
    nowMs: Date.now,
    ...changed,
    mail,
  });
  const handle = (event: OutboxEvent, signal: AbortSignal) => notifications.handle(event, signal);
  return { handle, types: notifications.types };
}

interface Person {
  readonly id: string;
  readonly email: string;
  readonly phone: string;
}

async function someone(
  wanted: { by?: 'email' | 'phone'; language?: 'en' | 'hi'; optOuts?: ('reminder' | 'unpaid' | 'held')[] } = {},
): Promise<Person> {
  const id = someId('usr');
  const [email, phone] = [`${id.toLowerCase()}@example.org`, `+9198${Math.trunc(Math.random() * 1e8)}`];
  await database.db
    .insertInto('users')
    .values({
      id,
      role: 'guest',
      email: wanted.by === 'phone' ? null : email,
      phone: wanted.by === 'phone' ? phone : null,
      locale: wanted.language ?? 'en',
      opt_outs: wanted.optOuts ?? [],
      created_at: new Date(),
    })
    .execute();
  return { id, email, phone };
}

/** A booking of two seats, of a show that is on sale; confirmed unless told otherwise. */
async function bookingOf(
  { id: userId }: Person,
  { title = 'Avatar', isPaid = true }: { title?: string; isPaid?: boolean } = {},
) {
  const movieId = (await insertSomeMovie(database.db, { title })).id;
  const startsAtMs = Date.now() + 24 * 3_600_000;
  const { showId } = await insertSomeShow(database.db, { movieId, startsAtMs });
  const hold = someHold({ showId, userId });
  await (isPaid ? recordConfirmations(database.db, [someConfirmation(hold)]) : insertHeldBookings(database.db, [hold]));
  return { bookingId: hold.id, showId };
}

const eventOf = (about: { bookingId: string; showId: string }, type: OutboxEvent['type'], payload: object = {}) =>
  someEvent(type, payload as never, { ...about, id: ++lastEventId, createdAtMs: Date.now() });

const recordOf = (eventId: number) =>
  database.db
    .selectFrom('notifications_sent')
    .select(['channel', 'user_id', 'outcome', 'reason'])
    .where('event_id', '=', eventId)
    .execute();

describe('a buyer', () => {
  it('gets the ticket with the mail about the booking', async () => {
    const buyer = await someone();
    const { handle } = consumer();
    const booking = await bookingOf(buyer, { title: 'दंगल' });
    const event = eventOf(booking, 'booking.confirmed');
    await handle(event, never);
    const [mail, ...more] = await catcher.to(buyer.email);
    expect(more).toEqual([]);
    expect(mail).toMatchObject({
      kind: 'email',
      from: 'tickets@seatkeeper.test',
      id: `<event-${event.id}.${buyer.id}.email@seatkeeper.test>`,
      attachments: [{ type: 'application/pdf', name: expect.stringMatching(/^ticket-BMS\d+\.pdf$/) as string }],
    });
    expect(mail!.subject).toContain('दंगल');
    expect(mail!.text).toContain('Row A1 and Row A2');
    expect(mail!.html).toContain('<html lang="en">');
    expect(readPdf(await catcher.attachment(mail!)).qr).toBe(
      codes.print({ bookingId: booking.bookingId, ticketVersion: 1 }),
    );
  });

  it('is written to in the language chosen, and by SMS where there is no mailbox', async () => {
    const [reader, phone] = [await someone({ language: 'hi' }), await someone({ by: 'phone', language: 'hi' })];
    const { handle } = consumer();
    await handle(eventOf(await bookingOf(reader), 'booking.confirmed'), never);
    await handle(eventOf(await bookingOf(phone), 'booking.confirmed'), never);
    expect((await catcher.to(reader.email))[0]!.text).toContain('आपकी 2 सीटें बुक हो गई हैं।');
    const [sms] = await catcher.to(phone.phone);
    expect(sms).toMatchObject({ kind: 'sms', html: null });
    expect(sms!.text).toContain('बुकिंग हो गई: Avatar');
  });

  it('with a device gets a notice there too', async () => {
    const buyer = await someone();
    await database.db
      .updateTable('users')
      .set({ push_token: `device-${buyer.id}` })
      .where('id', '=', buyer.id)
      .execute();
    await consumer().handle(eventOf(await bookingOf(buyer), 'booking.confirmed'), never);
    expect(await catcher.to(buyer.email)).toHaveLength(1);
    expect(await catcher.to(`device-${buyer.id}`)).toMatchObject([{ kind: 'push' }]);
  });

  it('hears of every event once, however often it comes, and of no other', async () => {
    const buyer = await someone();
    const other = await someone();
    const booking = await bookingOf(buyer);
    const { handle } = consumer();
    const createdAtMs = Date.now();
    for (const [, event] of oneOfEach({ ...booking, createdAtMs })) {
      const payload =
        event.type === 'booking.exchanged'
          ? { ...event.payload, otherBookingId: booking.bookingId }
          : event.type === 'booking.transferred'
            ? { ...event.payload, toUserId: buyer.id, fromUserId: other.id }
            : event.payload;
      const numbered = { ...event, payload, id: ++lastEventId } as OutboxEvent;
      const before = (await catcher.to(buyer.email)).length;
      await handle(numbered, never);
      await handle(numbered, never);
      expect((await catcher.to(buyer.email)).length - before).toBe(1);
    }
    expect((await catcher.to(other.email)).map((mail) => mail.subject)).toEqual([
      expect.stringMatching(/^Booking BMS\d+ has been handed over$/),
    ]);
  });

  it('of a handed over booking gets its ticket, and who handed it over does not', async () => {
    const [from, to] = [await someone(), await someone()];
    const booking = await bookingOf(to);
    await consumer().handle(eventOf(booking, 'booking.transferred', { toUserId: to.id, fromUserId: from.id }), never);
    const [received] = await catcher.to(to.email);
    expect(received!.attachments).toHaveLength(1);
    expect(received!.text).toContain(`open its account with this code, once: token-of-${to.id}`);
    const [handedOver] = await catcher.to(from.email);
    expect(handedOver!.attachments).toHaveLength(0);
    expect(handedOver!.text).not.toContain('token-of');
  });

  it('of a booking that another one was exchanged for is told once, by that one', async () => {
    const buyer = await someone();
    const [old, booking] = [await bookingOf(buyer), await bookingOf(buyer, { title: 'Sholay' })];
    await database.db
      .updateTable('bookings')
      .set({ chain_id: old.bookingId } as never)
      .where('id', '=', booking.bookingId)
      .execute();
    const { handle } = consumer();
    const difference = { amount: 0, currency: 'INR' };
    const exchange = { otherBookingId: booking.bookingId, difference, refund: null };
    await handle(eventOf(old, 'booking.exchanged', exchange), never);
    await handle(eventOf(booking, 'booking.confirmed'), never);
    const mails = await catcher.to(buyer.email);
    expect(mails.map((mail) => mail.subject)).toEqual(['Your booking was exchanged: Sholay']);
    expect(readPdf(await catcher.attachment(mails[0]!)).qr).toBe(
      codes.print({ bookingId: booking.bookingId, ticketVersion: 1 }),
    );
  });
});

describe('who does not want to be told', () => {
  it('of reminders, unpaid seats and holds is not; of money and changes everybody is', async () => {
    const quiet = await someone({ optOuts: ['reminder', 'unpaid', 'held'] });
    const booking = await bookingOf(quiet);
    const { handle } = consumer();
    const createdAtMs = Date.now();
    const told: string[] = [];
    for (const [name, event] of oneOfEach({ ...booking, createdAtMs })) {
      if (event.type === 'booking.transferred' || event.type === 'booking.exchanged') continue;
      const before = (await catcher.to(quiet.email)).length;
      const numbered = { ...event, id: ++lastEventId } as OutboxEvent;
      await handle(numbered, never);
      if ((await catcher.to(quiet.email)).length > before) told.push(name);
      else expect(await recordOf(numbered.id)).toMatchObject([{ outcome: 'SKIPPED' }]);
    }
    const names = oneOfEach().map(([name]) => name);
    expect(names.filter((name) => !told.includes(name))).toEqual([
      'held',
      'expired',
      'exchanged for a dearer one',
      'exchanged for a cheaper one',
      'transferred',
      'reminder',
    ]);
  });

  it('of holds is everybody, unless it is switched on', () => {
    expect(consumer({ tellHeld: false, mail: null }).types).not.toContain('booking.held');
    expect(consumer({ tellHeld: true, mail: null }).types).toContain('booking.held');
  });
});

describe('seats that were not paid', () => {
  const expired = async (statuses: string, changed: Partial<NotificationDeps> = {}) => {
    const buyer = await someone();
    const booking = await bookingOf(buyer, { isPaid: false });
    await database.db
      .updateTable('seat_map_snapshots')
      .set({ statuses, available: [...statuses].filter((status) => status === 'a').length })
      .where('show_id', '=', booking.showId)
      .execute();
    const event = eventOf(booking, 'booking.expired');
    await consumer(changed).handle(event, never);
    return { mails: await catcher.to(buyer.email), record: await recordOf(event.id) };
  };

  it('are offered again while they are all free', async () => {
    const { mails } = await expired('aaaa');
    expect(mails.map((mail) => mail.subject)).toEqual(['Your seats for Avatar are still free']);
  });

  it('are not when one of them is taken', async () => {
    const { mails, record } = await expired('ahaa');
    expect(mails).toEqual([]);
    expect(record).toMatchObject([{ outcome: 'SKIPPED', reason: 'the seats are taken' }]);
  });

  it('are not when it is no news any more, nor when the show is not on sale', async () => {
    expect((await expired('aaaa', { nowMs: () => Date.now() + 3_600_000 })).record[0]!.reason).toBe('no news any more');
    const buyer = await someone();
    const booking = await bookingOf(buyer, { isPaid: false });
    await database.db.updateTable('shows').set({ cancelled_at: new Date() }).where('id', '=', booking.showId).execute();
    const event = eventOf(booking, 'booking.expired');
    await consumer().handle(event, never);
    expect((await recordOf(event.id))[0]!.reason).toBe('the show is not on sale');
  });

  it('are not when the show is cancelled while its map is waited for', async () => {
    const buyer = await someone();
    const booking = await bookingOf(buyer, { isPaid: false });
    const event = eventOf(booking, 'booking.expired');
    const told = consumer().handle({ ...event, createdAtMs: Date.now() }, never);
    await delay(300);
    await database.db.updateTable('shows').set({ cancelled_at: new Date() }).where('id', '=', booking.showId).execute();
    await told;
    expect(await catcher.to(buyer.email)).toEqual([]);
    expect((await recordOf(event.id))[0]!.reason).toBe('the show is not on sale');
  });
});

describe('a message', () => {
  it('has no other recipient and no other header, whatever a title or an address looks like', async () => {
    const buyer = await someone();
    const title = 'Avatar\r\nBcc: everybody@example.org\r\nContent-Type: text/plain\r\n\r\nGotcha';
    await consumer().handle(eventOf(await bookingOf(buyer, { title }), 'booking.confirmed'), never);
    expect(await catcher.to('everybody@example.org')).toEqual([]);
    const [mail] = await catcher.to(buyer.email);
    expect(mail!.subject).toMatch(
      /^Your tickets for Avatar Bcc: everybody@example\.org Content-Type: text\/plain Gotcha, BMS\d+$/,
    );
    expect(mail!.html).toContain('<html');
    expect(mail!.attachments).toHaveLength(1);
  });

  it('to several addresses at once goes to none of them', async () => {
    const buyer = await someone();
    await database.db
      .updateTable('users')
      .set({ email: 'a@example.org, b@example.org' })
      .where('id', '=', buyer.id)
      .execute();
    const event = eventOf(await bookingOf(buyer), 'booking.confirmed');
    await consumer()
      .handle(event, never)
      .catch(() => undefined);
    expect(await catcher.to('a@example.org')).toEqual([]);
    expect(await catcher.to('b@example.org')).toEqual([]);
  });

  it('that nobody can be reached with is noted as such', async () => {
    const buyer = await someone({ by: 'phone' });
    const event = eventOf(await bookingOf(buyer), 'booking.confirmed');
    await consumer({ sms: null }).handle(event, never);
    expect(await recordOf(event.id)).toMatchObject([{ outcome: 'SKIPPED', reason: 'no channel reaches this person' }]);
    const unknown = eventOf({ bookingId: 'bkg_unknown', showId: 'shw_1' }, 'booking.confirmed');
    await expect(consumer().handle(unknown, never)).rejects.toThrow(UndeliverableEventError);
  });
});

describe('a mail server', () => {
  const running: SMTPServer[] = [];
  afterAll(() => running.forEach((server) => server.close(() => undefined)));

  /** One that answers as told, and notes what it took. */
  async function server(options: SMTPServerOptions): Promise<{ url: string; taken: string[] }> {
    const taken: string[] = [];
    const smtpServer = new SMTPServer({
      disabledCommands: ['AUTH', 'STARTTLS'],
      onData(stream, { envelope }, callback) {
        stream.resume().once('end', () => {
          taken.push(...envelope.rcptTo.map(({ address }) => address));
          callback();
        });
      },
      ...options,
    });
    running.push(smtpServer);
    smtpServer.on('error', () => undefined);
    smtpServer.listen(0, '127.0.0.1');
    await once(smtpServer.server, 'listening');
    return { url: `smtp://127.0.0.1:${(smtpServer.server.address() as AddressInfo).port}`, taken };
  }

  const answering = (responseCode: number, message: string) => Object.assign(new Error(message), { responseCode });

  it('that refuses an address for good ends the message, with what it said', async () => {
    const { url } = await server({
      onRcptTo: (_address, _session, callback) => callback(answering(550, 'no such mailbox')),
    });
    const event = eventOf(await bookingOf(await someone()), 'booking.confirmed');
    const handled = consumer({ mail: smtp(url) }).handle(event, never);
    await expect(handled).rejects.toThrow(UndeliverableEventError);
    await expect(handled).rejects.toThrow('no such mailbox');
    expect(await recordOf(event.id)).toEqual([]);
  });

  it('that is too busy is tried again later', async () => {
    let isBusy = true;
    const { url, taken } = await server({
      onRcptTo: (_address, _session, callback) => callback(isBusy ? answering(451, 'later') : undefined),
    });
    const buyer = await someone();
    const event = eventOf(await bookingOf(buyer), 'booking.confirmed');
    const { handle } = consumer({ mail: smtp(url) });
    await expect(handle(event, never)).rejects.not.toThrow(UndeliverableEventError);
    isBusy = false;
    await handle(event, never);
    expect(taken).toEqual([buyer.email]);
  });

  it('that is away is tried again later', async () => {
    const event = eventOf(await bookingOf(await someone()), 'booking.confirmed');
    await expect(consumer({ mail: smtp('smtp://127.0.0.1:9') }).handle(event, never)).rejects.not.toThrow(
      UndeliverableEventError,
    );
  });

  it('that refuses one of two people keeps nobody from telling the other', async () => {
    const [from, to] = [await someone(), await someone()];
    const { url, taken } = await server({
      onRcptTo: ({ address }, _session, callback) =>
        callback(address === to.email ? answering(550, 'no such mailbox') : undefined),
    });
    const event = eventOf(await bookingOf(to), 'booking.transferred', { toUserId: to.id, fromUserId: from.id });
    const { handle } = consumer({ mail: smtp(url) });
    await expect(handle(event, never)).rejects.toThrow(UndeliverableEventError);
    expect(taken).toEqual([from.email]);
    await expect(handle(event, never)).rejects.toThrow(UndeliverableEventError);
    expect(taken).toEqual([from.email]);
  });

  it('without TLS gets nothing where TLS is asked for', async () => {
    const { url, taken } = await server({});
    const mail = createSmtpMailGateway({
      url,
      from: 'tickets@seatkeeper.test',
      requireTls: true,
      mailsPerSecondMax: 10,
    });
    const event = eventOf(await bookingOf(await someone()), 'booking.confirmed');
    await expect(consumer({ mail }).handle(event, never)).rejects.toThrow(/TLS/i);
    expect(taken).toEqual([]);
  });
});
