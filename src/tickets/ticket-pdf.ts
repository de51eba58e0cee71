import PDFDocument from 'pdfkit';
import type { Language } from '../domain/language.ts';
import type { Ticket, TicketSeat } from '../domain/ticket.ts';
import { textsIn } from '../language/texts.ts';
import { type QrCode, QUIET_MODULES, qrCodeOf } from './qr-code.ts';
import { type Face, runsOf, type Weight } from './typefaces.ts';

const MARGIN = 56;
const QR_POINTS = 190;
/** Times of a PDF are of its making; a ticket printed twice is the same file. */
const MADE_AT = new Date(0);
/** A hundred seats with long names take some 60 KB; what is much larger is not a ticket. */
export const TICKET_PDF_BYTES_MAX = 1024 * 1024;
/** Longer names are cut: they are for people who stand in a queue. */
const NAME_MAX = 200;

/**
 * The ticket of a booking on paper: one code for all seats, on A4, as many pages as the seats take.
 * @param code of `TicketCodes`
 */
export async function ticketPdf(ticket: Ticket, code: string, language: Language): Promise<Buffer> {
  const say = textsIn(language);
  const page = new Page(ticket, language);
  const { show } = ticket;
  page.line(say('ticket.title').toLocaleUpperCase(language), { size: 10, color: '#666666' });
  page.line(show.title, { size: 24, weight: 'bold' });
  page.line(`${show.venue}, ${show.screen}`, { size: 13 });
  page.line(say('ticket.startsAt', { startsAt: { timeMs: show.startsAtMs, timeZone: show.timeZone } }), {
    size: 13,
    weight: 'bold',
  });
  page.code(qrCodeOf(code));
  page.line(say('ticket.bookingNumber'), { size: 10, color: '#666666' });
  page.line(ticket.bookingNumber, { size: 16, weight: 'bold' });
  page.gap();
  page.line(say('ticket.atTheDoor'), { size: 11 });
  page.gap();
  page.line(say('ticket.seats', { count: ticket.seats.length }), { size: 10, color: '#666666' });
  for (const seat of ticket.seats) page.line(seatLine(seat, say('ticket.accessible')), { size: 12 });
  return page.end();
}

const seatLine = ({ label, category, accessible }: TicketSeat, accessibleText: string): string =>
  [label, category, ...(accessible ? [accessibleText] : [])].join(' · ');

interface LineStyle {
  readonly size: number;
  readonly weight?: Weight;
  readonly color?: string;
}

/** Writes downwards; a full page is followed by another one. */
class Page {
  readonly #document: PDFKit.PDFDocument;
  readonly #bytes: Promise<Buffer>;

  constructor({ show, bookingNumber }: Ticket, language: Language) {
    const info = { Title: `${show.title} · ${bookingNumber}`, CreationDate: MADE_AT, ModDate: MADE_AT };
    // No font yet: the library's own would be loaded for nothing.
    const options = { size: 'A4', margin: MARGIN, lang: language, info, font: '' };
    this.#document = new PDFDocument(options);
    this.#bytes = collected(this.#document);
  }

  line(text: string, { size, weight = 'regular', color = '#000000' }: LineStyle): void {
    const document = this.#document.fontSize(size).fillColor(color);
    const cut = text.length > NAME_MAX ? `${text.slice(0, NAME_MAX - 1)}…` : text;
    const runs = runsOf(cut, weight);
    runs.forEach(({ text: piece, face }, index) => {
      chooseFont(document, face);
      document.text(piece, { continued: index < runs.length - 1, lineGap: 2 });
    });
  }

  gap(): void {
    this.#document.y += 10;
  }

  /** Drawn, not an image: sharp on any printer. */
  code({ size, bars }: QrCode): void {
    const document = this.#document;
    const module = QR_POINTS / (size + 2 * QUIET_MODULES);
    const [left, top] = [document.x - QUIET_MODULES * module, document.y];
    for (const { x, y, length } of bars) {
      document.rect(left + (QUIET_MODULES + x) * module, top + (QUIET_MODULES + y) * module, length * module, module);
    }
    document.fill('#000000');
    document.y = top + QR_POINTS;
  }

  end(): Promise<Buffer> {
    this.#document.end();
    return this.#bytes;
  }
}

/**
 * Parsed fonts, by name: parsing and its shaping tables take three quarters of a ticket's time. The library takes a parsed
 * font where it takes a file, and keeps the one that it writes with; its types know of neither.
 */
const parsedFonts = new Map<string, Buffer>();

function chooseFont(document: PDFKit.PDFDocument, { name, font }: Face): void {
  document.registerFont(name, parsedFonts.get(name) ?? font).font(name);
  const { _font } = document as unknown as { readonly _font?: { readonly font?: Buffer } };
  if (_font?.font) parsedFonts.set(name, _font.font);
}

function collected(document: PDFKit.PDFDocument): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    document.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > TICKET_PDF_BYTES_MAX) reject(new Error(`a ticket of more than ${TICKET_PDF_BYTES_MAX} bytes`));
      else chunks.push(chunk);
    });
    document.once('end', () => resolve(Buffer.concat(chunks)));
    document.once('error', reject);
  });
}
