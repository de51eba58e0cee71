import { en } from '../../src/language/texts/en.ts';
import { hi } from '../../src/language/texts/hi.ts';
import { textsIn } from '../../src/language/texts.ts';
import { compose } from '../../src/notifications/compose.ts';
import { noticesOf } from '../../src/notifications/notices.ts';
import { oneOfEach, someEvent, someFacts } from './some-events.ts';

/** What each event tells a reader of each language: look at the snapshot to read it. */
describe.each(['en', 'hi'] as const)('what people are told, in %s', (language) => {
  it.each(oneOfEach().map(([name, event]) => [name, event] as const))('%s', (_name, event) => {
    for (const notice of noticesOf(event, someFacts())) {
      const { subject, text, short } = compose(notice, someFacts(), language);
      expect(`Subject: ${subject}\n\n${text}\nSMS: ${short}\n`).toMatchSnapshot();
    }
  });
});

const confirmed = (facts = someFacts(), language: 'en' | 'hi' = 'en') =>
  compose(noticesOf(someEvent('booking.confirmed', {}), facts)[0]!, facts, language);

describe('texts', () => {
  it('have the same places to fill in in every language', () => {
    const places = (texts: object): Record<string, unknown> =>
      Object.fromEntries(
        Object.entries(texts).map(([key, text]: [string, unknown]) => [
          key,
          typeof text === 'string'
            ? [...text.matchAll(/\{\{(.*?)\}\}/g)].map(([, place]) => place).sort()
            : places(text as object),
        ]),
      );
    const withoutCounts = (found: unknown): unknown =>
      JSON.parse(
        JSON.stringify(found)
          .replace(/"count, number",?/g, '')
          .replace(/,]/g, ']'),
      );
    expect(withoutCounts(places(hi))).toEqual(withoutCounts(places(en)));
  });

  it('are never said with a hole, nor under a name that they do not have', () => {
    expect(() => textsIn('en')('messages.booking.confirmed.subject', { title: 'Avatar' })).toThrow('bookingNumber');
    expect(() => textsIn('en')('messages.nothing')).toThrow('messages.nothing');
  });

  it('count', () => {
    const one = someFacts({ seats: someFacts().seats.slice(0, 1) });
    expect(confirmed(one).text).toContain('Your seat is booked.');
    expect(confirmed().text).toContain('Your 2 seats are booked.');
    expect(confirmed(one, 'hi').text).toContain('आपकी सीट');
  });

  it('take a title as it is, whatever it looks like', () => {
    const title = '{{bookingNumber}} $t(footer) <script>alert(1)</script> & "co"';
    const { subject, text, html, short } = confirmed(someFacts({ show: { ...someFacts().show, title } }));
    for (const said of [subject, text, short]) expect(said).toContain(title);
    expect(html).not.toContain('<script>');
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  });

  it('of a staff’s reason are no markup either', () => {
    const event = someEvent('show.cancelled', { reason: '<img src=x onerror=alert(1)>' });
    expect(compose(noticesOf(event, someFacts())[0]!, someFacts(), 'en').html).not.toContain('<img');
  });

  it('tell the time of the venue’s clocks, and which of two equal hours it is', () => {
    const at = (startsAtMs: number) =>
      confirmed(someFacts({ show: { ...someFacts().show, timeZone: 'America/New_York', startsAtMs } })).text;
    expect(at(Date.UTC(2026, 10, 1, 5, 30))).toContain('Sunday, 1 November 2026 at 1:30 am GMT-4');
    expect(at(Date.UTC(2026, 10, 1, 6, 30))).toContain('Sunday, 1 November 2026 at 1:30 am GMT-5');
    expect(at(Date.UTC(2026, 2, 8, 7, 0))).toContain('Sunday, 8 March 2026 at 3:00 am GMT-4');
  });

  it('have money as its country writes it', () => {
    const total = (amount: number, currency: string) => confirmed(someFacts({ total: { amount, currency } })).text;
    expect(total(125_000, 'INR')).toContain('₹1,250.00');
    expect(total(12_500_000, 'INR')).toContain('₹1,25,000.00');
    expect(total(1_250, 'JPY')).toContain('¥1,250');
    expect(total(1_250, 'KWD')).toContain('1.250');
  });

  it('for a phone have an end', () => {
    const title = 'A long title '.repeat(200);
    expect(confirmed(someFacts({ show: { ...someFacts().show, title } })).short.length).toBeLessThanOrEqual(800);
  });
});
