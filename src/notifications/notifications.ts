import { setTimeout as delay } from 'node:timers/promises';
import { type OutboxConsumer, type OutboxEvent, UndeliverableEventError } from '../contracts/events.ts';
import { type MailGateway, MessageRefusedError, type ShortMessageGateway } from '../gateways/mail.ts';
import type { Logger } from '../platform/logger.ts';
import type { ReadModel } from '../read-model/database.ts';
import {
  areSeatsFree,
  type BookingFacts,
  type Contact,
  findBookingFacts,
  findContact,
  findServed,
  markSent,
  markSkipped,
} from '../read-model/notifications.ts';
import { findTicket } from '../read-model/tickets.ts';
import type { TicketCodes } from '../tickets/ticket-codes.ts';
import { ticketPdf } from '../tickets/ticket-pdf.ts';
import { compose, type Message } from './compose.ts';
import { type Notice, noticesOf, toldOf } from './notices.ts';
import { StandBack } from './stand-back.ts';

export interface NotificationDeps {
  readonly db: ReadModel;
  /** Null: nothing is sent that way. */
  readonly mail: MailGateway | null;
  readonly sms: ShortMessageGateway | null;
  readonly push: ShortMessageGateway | null;
  readonly codes: TicketCodes;
  /** The right side of the addresses that messages are known by: the domain that mail comes from. */
  readonly messageDomain: string;
  /** What opens the account that somebody got with a booking; null: nothing does. */
  readonly claimTokenOf: ((userId: string) => Promise<string>) | null;
  /** Buyers are told of holds too. */
  readonly tellHeld: boolean;
  readonly log: Logger;
  readonly nowMs: () => number;
}

/** At the same time, each of another booking: more would only wait for the mail server's few connections. */
const EVENTS_AT_ONCE_MAX = 16;
/** The map of a show tells of seats that came free after a fraction of a second; then it may be asked. */
const MAP_SETTLED_AFTER_MS = 2_000;
/** Later than this the news that seats are free is none: a relay that was down must not wake people up. */
const STILL_FREE_TOLD_WITHIN_MS = 30 * 60_000;

/**
 * Tells people of their bookings: the consumer of the outbox that sends mails, text messages and notices to devices. Each goes
 * out once; only a crash between a mail server's yes and our note of it sends one twice, under the same `Message-ID`.
 */
export function createNotifications(deps: NotificationDeps): OutboxConsumer {
  const standBack = new StandBack();
  return {
    name: 'notifications',
    types: toldOf(deps.tellHeld),
    concurrency: EVENTS_AT_ONCE_MAX,
    async handle(event, signal) {
      await standBack.turn(signal);
      await tell(event, deps, signal);
    },
  };
}

async function tell(event: OutboxEvent, deps: NotificationDeps, signal: AbortSignal): Promise<void> {
  const { db } = deps;
  const booking = await findBookingFacts(db, event.bookingId);
  if (!booking) throw new UndeliverableEventError(`there is no booking ${event.bookingId}`);
  const notices = noticesOf(event, booking);
  if (notices.length === 0) return;
  if (event.type === 'booking.expired') {
    const reason = await whyNotWorthTelling(event, booking, deps, signal);
    if (reason !== null) return markSkipped(db, { eventId: event.id, channel: 'none', userId: booking.userId }, reason);
  }
  const served = await findServed(db, event.id);
  const refusals: string[] = [];
  // Somebody whose mailbox is gone must not keep the other one from being told.
  for (const notice of notices) {
    const about = notice.bookingId === undefined ? booking : await findBookingFacts(db, notice.bookingId);
    if (!about) throw new UndeliverableEventError(`there is no booking ${notice.bookingId}`);
    refusals.push(...(await new Sending({ event, notice, booking: about, served, signal }, deps).run()));
  }
  if (refusals.length > 0) throw new UndeliverableEventError(refusals.join('; '));
}

/** Null where the seats of an unpaid hold may be offered again. */
async function whyNotWorthTelling(
  { createdAtMs }: OutboxEvent,
  booking: BookingFacts,
  { db, nowMs }: NotificationDeps,
  signal: AbortSignal,
): Promise<string | null> {
  const { bookingId } = booking;
  const isOnSale = (show?: BookingFacts['show']) => show && !show.isCancelled && nowMs() < show.salesCloseAtMs;
  if (nowMs() - createdAtMs > STILL_FREE_TOLD_WITHIN_MS) return 'no news any more';
  if (!isOnSale(booking.show)) return 'the show is not on sale';
  const settledInMs = createdAtMs + MAP_SETTLED_AFTER_MS - nowMs();
  if (settledInMs > 0) await delay(Math.min(settledInMs, MAP_SETTLED_AFTER_MS), undefined, { signal });
  if (!(await areSeatsFree(db, bookingId))) return 'the seats are taken';
  // It may have been cancelled meanwhile: then its seats are free, and nobody's.
  return isOnSale((await findBookingFacts(db, bookingId))?.show) ? null : 'the show is not on sale';
}

type Channel = 'email' | 'sms' | 'push';

interface Task {
  readonly event: OutboxEvent;
  readonly notice: Notice;
  readonly booking: BookingFacts;
  /** `channel userId` of what went out before. */
  readonly served: ReadonlySet<string>;
  readonly signal: AbortSignal;
}

/** One notice to one person, over every channel that reaches them. */
class Sending {
  readonly #task: Task;
  readonly #deps: NotificationDeps;

  constructor(task: Task, deps: NotificationDeps) {
    this.#task = task;
    this.#deps = deps;
  }

  /** Resolves with what was refused for good. @throws Error what may be tried again */
  async run(): Promise<readonly string[]> {
    const { event, notice, booking, served } = this.#task;
    const { userId, optOut } = notice;
    const contact = await findContact(this.#deps.db, userId);
    if (!contact) return this.#skip('nobody is known by that id');
    if (optOut !== null && contact.optOuts.includes(optOut)) return this.#skip(`opted out of ${optOut}`);
    const channels = this.#channelsOf(contact);
    if (channels.length === 0) return this.#skip('no channel reaches this person');
    const message = compose(await this.#withClaim(notice), booking, contact.language);
    const refusals: string[] = [];
    for (const channel of channels) {
      if (served.has(`${channel} ${userId}`)) continue;
      try {
        await this.#send(channel, contact, message);
      } catch (error) {
        if (!(error instanceof MessageRefusedError)) throw error;
        refusals.push(`${channel} to ${userId} was refused: ${error.message}`);
        continue;
      }
      await markSent(this.#deps.db, { eventId: event.id, channel, userId });
    }
    return refusals;
  }

  async #withClaim(notice: Notice): Promise<Notice> {
    const { claimTokenOf } = this.#deps;
    if (notice.claim === undefined || !claimTokenOf) return notice;
    const { values, paragraphs = [], claim, userId } = notice;
    const claimToken = await claimTokenOf(userId);
    return { ...notice, values: { ...values, claimToken }, paragraphs: [...paragraphs, claim] };
  }

  #channelsOf({ email, phone, pushToken }: Contact): readonly Channel[] {
    const { mail, sms, push } = this.#deps;
    return [
      ...(email !== null && mail ? (['email'] as const) : []),
      ...(phone !== null && sms ? (['sms'] as const) : []),
      ...(pushToken !== null && push ? (['push'] as const) : []),
    ];
  }

  async #skip(reason: string): Promise<readonly string[]> {
    const { userId, texts } = this.#task.notice;
    const eventId = this.#task.event.id;
    this.#deps.log.debug({ eventId, userId, texts, reason }, 'nobody is told');
    await markSkipped(this.#deps.db, { eventId, channel: 'none', userId }, reason);
    return [];
  }

  async #send(channel: Channel, contact: Contact, message: Message): Promise<void> {
    const { mail, sms, push, messageDomain } = this.#deps;
    const { event, signal } = this.#task;
    const id = `event-${event.id}.${contact.userId}.${channel}`;
    if (channel === 'sms') return sms!.send({ id, to: contact.phone!, text: message.short }, signal);
    if (channel === 'push') return push!.send({ id, to: contact.pushToken!, text: message.short }, signal);
    const parts = {
      messageId: `${id}@${messageDomain}`,
      to: contact.email!,
      subject: message.subject,
      text: message.text,
      html: message.html,
      language: contact.language,
      attachments: await this.#ticket(contact),
    };
    return mail!.send(parts, signal);
  }

  /** Nothing where the booking is not confirmed any more, or no longer this person's: a later message tells of that. */
  async #ticket({ userId, language }: Contact) {
    const { db, codes } = this.#deps;
    const { notice, booking } = this.#task;
    if (!notice.ticket || booking.userId !== userId) return [];
    const ticket = await findTicket(db, booking.bookingId);
    if (!ticket) return [];
    const bytes = await ticketPdf(ticket, codes.print(ticket), language);
    return [{ name: `ticket-${ticket.bookingNumber}.pdf`, type: 'application/pdf', bytes }];
  }
}
