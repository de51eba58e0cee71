import type { TicketBody, TicketCheckBody } from '../../src/contracts/http/tickets.ts';
import type { Problem } from '../../src/contracts/http/problems.ts';
import { recordConfirmations } from '../../src/read-model/booking-records.ts';
import { TicketCodes } from '../../src/tickets/ticket-codes.ts';
import { insertSomeMovie, insertSomeShow, insertSomeTheatre } from '../read-model/catalogue-of-tests.ts';
import { someConfirmation, someHold } from '../read-model/bookings-of-tests.ts';
import { testSecrets, useTestSystem } from '../setup/system.ts';
import { readPdf } from '../tickets/read-pdf.ts';
import { type ApiClient, newGuest, newKey, staff } from './http-client.ts';

const system = useTestSystem({ apis: 2, workers: 0 });
const codes = new TicketCodes(testSecrets.TICKET_SIGNING_KEY);

let buyer: ApiClient;
let door: ApiClient;
let otherDoor: ApiClient;

beforeAll(async () => {
  buyer = await newGuest(system.apiUrls[0]!);
  door = await staff(system.apiUrls[0]!, 'theatre_owner');
  otherDoor = await staff(system.apiUrls[1]!, 'support');
}, 120_000);

/** A booking of two seats that is paid. */
async function confirmed(title = 'Avatar'): Promise<string> {
  const movieId = (await insertSomeMovie(system.db, { title })).id;
  const theatreId = (await insertSomeTheatre(system.db)).id;
  const { showId } = await insertSomeShow(system.db, { movieId, theatreId });
  const hold = someHold({ showId, userId: buyer.userId! });
  await recordConfirmations(system.db, [someConfirmation(hold)]);
  return hold.id;
}

const ticketOf = async (bookingId: string) => (await buyer.get<TicketBody>(`/bookings/${bookingId}/ticket`)).body;
const shown = (code: string, at = door, key?: string) =>
  at.post<TicketCheckBody & Problem>('/tickets/verify', { code }, key === undefined ? {} : { key });

const setStatus = (bookingId: string, status: 'CANCELLED' | 'EXCHANGED') =>
  system.db.updateTable('bookings').set({ status }).where('id', '=', bookingId).execute();

describe('a ticket', () => {
  it('tells its buyer everything the door asks for', async () => {
    const bookingId = await confirmed();
    const { status, body, headers } = await buyer.get<TicketBody>(`/bookings/${bookingId}/ticket`);
    expect(status).toBe(200);
    expect(headers.get('Cache-Control')).toBe('private, no-store');
    expect(body).toEqual({
      bookingId,
      bookingNumber: expect.stringMatching(/^BMS\d{16,}$/) as string,
      code: codes.print({ bookingId, ticketVersion: 1 }),
      seats: [
        { id: 'A1', label: 'Row A1', category: 'Gold', accessible: false },
        { id: 'A2', label: 'Row A2', category: 'Gold', accessible: false },
      ],
      show: {
        id: expect.any(String) as string,
        title: 'Avatar',
        startsAt: '2026-11-20T13:30:00.000Z',
        timeZone: 'Asia/Kolkata',
        venue: 'Regal',
        screen: expect.any(String) as string,
      },
    });
  });

  it('is a PDF for whoever asks for one, with the same code', async () => {
    const bookingId = await confirmed('दंगल');
    const { code } = await ticketOf(bookingId);
    const response = await buyer.fetch(`/bookings/${bookingId}/ticket`, { Accept: 'application/pdf' });
    expect(response.status).toBe(200);
    expect(response.headers.get('Content-Type')).toBe('application/pdf');
    const pdf = readPdf(Buffer.from(await response.arrayBuffer()));
    expect(pdf.qr).toBe(code);
    expect(pdf.lines).toContain('दंगल');
  });

  it('is JSON for whoever would rather have that, or has no wish', async () => {
    const bookingId = await confirmed();
    for (const Accept of ['*/*', 'application/json, application/pdf;q=0.5', 'application/pdf;q=0', 'text/html']) {
      const response = await buyer.fetch(`/bookings/${bookingId}/ticket`, { Accept });
      expect(response.headers.get('Content-Type')).toContain('application/json');
      await response.body?.cancel();
    }
  });

  it('is there for a confirmed booking of one’s own alone', async () => {
    const bookingId = await confirmed();
    const someoneElse = await newGuest(system.apiUrls[0]!);
    expect(await someoneElse.get(`/bookings/${bookingId}/ticket`)).toMatchObject({ status: 404 });
    expect(await buyer.get('/bookings/bkg_unknown/ticket')).toMatchObject({ status: 404 });
    await setStatus(bookingId, 'CANCELLED');
    const { status, body } = await buyer.get(`/bookings/${bookingId}/ticket`);
    expect([status, body.code, body.bookingStatus]).toEqual([409, 'BOOKING_STATE', 'CANCELLED']);
  });
});

describe('at the door', () => {
  it('a ticket admits, and shown again tells when the first time was, and for which show it is', async () => {
    const { code, ...facts } = await ticketOf(await confirmed());
    const first = await shown(code);
    expect(first.status).toBe(200);
    expect(first.body).toEqual({
      ...facts,
      admitted: true,
      repeated: false,
      firstAdmittedAt: expect.any(String) as string,
    });
    const again = await shown(code, otherDoor);
    expect(again.body).toEqual({ ...first.body, repeated: true });
  });

  it('of many scanners at two doors exactly one is told that it was the first', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { code } = await ticketOf(await confirmed());
      const answers = await Promise.all(
        Array.from({ length: 16 }, (_, scan) => shown(code, scan % 2 === 0 ? door : otherDoor)),
      );
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      expect(answers.filter(({ body }) => !body.repeated)).toHaveLength(1);
      expect(new Set(answers.map(({ body }) => body.firstAdmittedAt)).size).toBe(1);
    }
  });

  it('a scanner whose answer was lost asks again with its key, and was still the first', async () => {
    const { code } = await ticketOf(await confirmed());
    const key = newKey();
    const first = await shown(code, door, key);
    const again = await shown(code, door, key);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('Idempotent-Replayed')).toBe('true');
    expect((await shown(code)).body.repeated).toBe(true);
  });

  it('a forged ticket, one of an unknown booking, and one that was replaced admit nobody', async () => {
    const bookingId = await confirmed();
    const { code } = await ticketOf(bookingId);
    const forged = new TicketCodes('a key that somebody has made up by himself').print({ bookingId, ticketVersion: 1 });
    const unknown = codes.print({ bookingId: 'bkg_0Zr3c4QyS5uY1nXbK2mWpA', ticketVersion: 1 });
    for (const wrong of [forged, unknown, code.slice(0, -1), bookingId, '🎟']) {
      const { status, body } = await shown(wrong);
      expect([status, body.code]).toEqual([404, 'NOT_FOUND']);
    }
    // As whatever replaces it does: a transfer, a cancellation in part.
    await system.db.updateTable('bookings').set({ ticket_version: 2 }).where('id', '=', bookingId).execute();
    expect((await shown(code)).status).toBe(404);
    expect((await shown((await ticketOf(bookingId)).code)).body).toMatchObject({ admitted: true, repeated: false });
  });

  it('a ticket of a booking that was cancelled or exchanged admits nobody, and says why', async () => {
    for (const wanted of ['CANCELLED', 'EXCHANGED'] as const) {
      const bookingId = await confirmed();
      const { code } = await ticketOf(bookingId);
      await setStatus(bookingId, wanted);
      const { status, body } = await shown(code);
      expect([status, body.code, body.bookingStatus]).toEqual([409, 'BOOKING_STATE', wanted]);
    }
  });

  it('buyers let nobody in', async () => {
    const { code } = await ticketOf(await confirmed());
    expect(await buyer.post('/tickets/verify', { code })).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect((await shown(code)).body.repeated).toBe(false);
  });

  it('what is no code is refused as such', async () => {
    for (const body of [{}, { code: 1 }, { code: '' }, { code: 'a\0b' }, { code: 'x'.repeat(5_000) }, undefined]) {
      expect(await door.post('/tickets/verify', body)).toMatchObject({ status: 400 });
    }
  });
});
