import type { Ticket } from '../../src/domain/ticket.ts';
import { TICKET_PDF_BYTES_MAX, ticketPdf } from '../../src/tickets/ticket-pdf.ts';
import { readPdf } from './read-pdf.ts';

const CODE = 'SK1.h2hl.0Zr3c4QyS5uY1nXbK2mWpA.1.L44yjOEHgoC3qrQLahe6kA';

const ticket: Ticket = {
  bookingId: 'bkg_0Zr3c4QyS5uY1nXbK2mWpA',
  ticketVersion: 1,
  bookingNumber: 'BMS2026112000000042',
  seats: [
    { id: 'A1', index: 0, label: 'Stalls, A-1', category: 'Gold', accessible: false },
    { id: 'A2', index: 1, label: 'Stalls, A-2', category: 'Gold', accessible: true },
  ],
  show: {
    id: 'shw_1',
    title: 'Avatar',
    startsAtMs: Date.UTC(2026, 10, 20, 13, 30),
    timeZone: 'Asia/Kolkata',
    venue: 'Regal',
    screen: 'Screen 2',
  },
};

describe('a ticket on paper', () => {
  it('says what, where, when, who sits where, and has the code as a QR that a scanner reads', async () => {
    const { pages, lines, qr } = readPdf(await ticketPdf(ticket, CODE, 'en'));
    expect(lines).toEqual([
      'TICKET',
      'Avatar',
      'Regal, Screen 2',
      'Friday, 20 November 2026 at 7:00 pm IST',
      'Booking number',
      'BMS2026112000000042',
      'Show this code at the door. It admits everyone on this booking together.',
      '2 seats',
      'Stalls, A-1 · Gold',
      'Stalls, A-2 · Gold · wheelchair space',
    ]);
    expect(qr).toBe(CODE);
    expect(pages).toBe(1);
  });

  it('prints Hindi, beside other scripts on one baseline', async () => {
    const show = { ...ticket.show, title: 'दंगल – Dangal ₹5' };
    const { lines } = readPdf(await ticketPdf({ ...ticket, show }, CODE, 'hi'));
    expect(lines[1]).toBe('दंगल – Dangal ₹5');
    expect(lines[3]).toContain('20 नवंबर 2026');
    expect(lines.join('\n')).not.toContain('?');
  });

  it('has every letter of a conjunct, whatever order its glyphs are drawn in', async () => {
    const title = 'क्षत्रिय ज्ञान विद्या';
    const { lines } = readPdf(await ticketPdf({ ...ticket, show: { ...ticket.show, title } }, CODE, 'en'));
    expect([...lines[1]!].sort().join('')).toBe([...title].sort().join(''));
  });

  it('shows letters that it has no font for as question marks, and tells no line from another by a title', async () => {
    const show = { ...ticket.show, title: 'தமிழ்\nBooking number 😀' };
    const { lines } = readPdf(await ticketPdf({ ...ticket, show }, CODE, 'en'));
    expect(lines[1]).toBe('???? Booking number ?');
  });

  it('shows the time of the venue, on both sides of a change of clocks', async () => {
    const at = async (startsAtMs: number) => {
      const show = { ...ticket.show, timeZone: 'Europe/Vienna', startsAtMs };
      return readPdf(await ticketPdf({ ...ticket, show }, CODE, 'en')).lines[3];
    };
    expect(await at(Date.UTC(2026, 9, 25, 0, 30))).toBe('Sunday, 25 October 2026 at 2:30 am GMT+2');
    expect(await at(Date.UTC(2026, 9, 25, 1, 30))).toBe('Sunday, 25 October 2026 at 2:30 am GMT+1');
  });

  it('goes on to further pages for a hundred seats with long names, all of them on it, and stays small', async () => {
    const seats = Array.from({ length: 100 }, (_, index) => ({
      ...ticket.seats[0]!,
      label: `${'Balcony over the stage on the left hand side '.repeat(4)}A-${index}`,
    }));
    const pdf = await ticketPdf({ ...ticket, seats }, CODE, 'en');
    const { pages, lines, qr } = readPdf(pdf);
    expect(pages).toBeGreaterThan(1);
    expect(qr).toBe(CODE);
    expect(lines.join(' ').match(/A-\d+/g)).toHaveLength(100);
    expect(pdf.length).toBeLessThan(TICKET_PDF_BYTES_MAX / 4);
  });

  it('printed twice is the same file', async () => {
    const [first, second] = [await ticketPdf(ticket, CODE, 'en'), await ticketPdf(ticket, CODE, 'en')];
    expect(first.equals(second)).toBe(true);
  });
});
