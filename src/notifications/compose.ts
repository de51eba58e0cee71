import { readFileSync } from 'node:fs';
import { Eta } from 'eta';
import type { Language } from '../domain/language.ts';
import { hasText, type Say, textsIn } from '../language/texts.ts';
import type { BookingFacts } from '../read-model/notifications.ts';
import type { Notice } from './notices.ts';

/** A message in the words of its reader. */
export interface Message {
  readonly subject: string;
  readonly html: string;
  readonly text: string;
  /** For a phone: SMS and push. */
  readonly short: string;
}

/** A dozen SMS; a title that is longer than a story must not cost more. */
const SHORT_MAX = 800;

const template = (name: string): string => readFileSync(new URL(`templates/${name}`, import.meta.url), 'utf8');
const eta = new Eta({ autoEscape: true });
const plainEta = new Eta({ autoEscape: false, autoTrim: false });
const writeHtml = eta.compile(template('mail.html.eta'));
const writeText = plainEta.compile(template('mail.txt.eta'));

/** The texts of a notice, filled in. Times are those of the venue's clocks. */
export function compose(notice: Notice, booking: BookingFacts, language: Language): Message {
  const say = textsIn(language);
  const values = valuesOf(notice, booking, say);
  const tell = (name: string): string => say(`messages.${name}`, values);
  const { texts, paragraphs = [], short = [] } = notice;
  const content = {
    language,
    subject: tell(`${texts}.subject`),
    greeting: say('greeting'),
    paragraphs: [`${texts}.body`, ...paragraphs].flatMap((name) => tell(name).trim().split('\n\n')),
    facts: factsOf(notice, booking, say),
    footer: say(notice.optOut === null ? 'footer' : 'footerWithOptOut'),
  };
  const brief = [`${texts}.short`, ...short].map(tell).join(' ').trim();
  return {
    subject: content.subject,
    html: eta.render(writeHtml, content),
    text: plainEta.render(writeText, content),
    short: brief.length > SHORT_MAX ? `${brief.slice(0, SHORT_MAX - 1)}…` : brief,
  };
}

/** Of values that are times, by their names. */
const isTime = /(?:At|Until)$/;

function valuesOf(notice: Notice, { show, seats, bookingNumber }: BookingFacts, say: Say): Record<string, unknown> {
  const { timeZone } = show;
  const moment = (timeMs: unknown) => ({ timeMs, timeZone });
  const own = Object.entries(notice.values ?? {}).map(([name, value]): [string, unknown] => [
    name,
    isTime.test(name) ? moment(value) : value,
  ]);
  const { because } = (notice.values ?? {}) as { readonly because?: string };
  const common = {
    title: show.title,
    venue: show.venue,
    screen: show.screen,
    startsAt: moment(show.startsAtMs),
    seats: seats.map((seat) => seat.label),
    count: seats.length,
    bookingNumber: bookingNumber ?? '',
  };
  return {
    ...common,
    ...Object.fromEntries(own),
    ...(because !== undefined && { why: say(hasText(`reasons.${because}`) ? `reasons.${because}` : 'reasons.other') }),
  };
}

/** What the message is about, as label and value. */
function factsOf({ values = {}, amounts = [] }: Notice, booking: BookingFacts, say: Say) {
  const { show, seats, bookingNumber, total } = booking;
  const labelled = (name: string, value: string) => ({ label: say(`facts.${name}`), value });
  const amount = (value: unknown): string => say('facts.amount', { amount: value });
  return [
    labelled('show', show.title),
    labelled('when', say('facts.startsAt', { startsAt: { timeMs: show.startsAtMs, timeZone: show.timeZone } })),
    labelled('where', `${show.venue}, ${show.screen}`),
    labelled('seats', say('facts.seatList', { seats: seats.map((seat) => seat.label) })),
    ...(bookingNumber === null ? [] : [labelled('bookingNumber', bookingNumber)]),
    labelled('paid', amount(total)),
    ...amounts.map((name) => labelled(name, amount(values[name]))),
  ];
}
