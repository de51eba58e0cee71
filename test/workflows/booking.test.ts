import { newId } from '../../src/platform/ids.ts';
import { holdAndStart, netCaptured, openShow, statusesOf, testTerms } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { findBookings } from '../../src/read-model/bookings.ts';

const system = useTestSystem();

const payWith = (bookingId: string, token: string, attemptId = newId('pay')) =>
  system.workflows.pay(bookingId, { attemptId, method: 'card', token });

describe('a booking', () => {
  test('that is paid is confirmed, its seats booked, its row and number written', async () => {
    const show = await openShow(system);
    const booking = await holdAndStart(system, show, [0, 1]);
    const answer = await payWith(booking.id, 'tok_ok');
    expect(answer).toMatchObject({ outcome: 'confirmed', booking: { status: 'CONFIRMED' } });
    const [row] = await findBookings(system.db, [booking.id]);
    expect(row).toMatchObject({ status: 'CONFIRMED', bookingNumber: expect.stringMatching(/^BMS\d{16,}$/) });
    expect((await statusesOf(system, show.id)).slice(0, 3)).toBe('bba');
    expect(await netCaptured(system, booking.id)).toBe(50_000);
  });

  test('whose card is declined goes on as a hold, and may be paid again', async () => {
    const show = await openShow(system);
    const booking = await holdAndStart(system, show, [4]);
    expect(await payWith(booking.id, 'tok_declined')).toMatchObject({
      outcome: 'declined',
      booking: { status: 'HELD' },
    });
    expect(await payWith(booking.id, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
    expect(await netCaptured(system, booking.id)).toBe(25_000);
  });

  test('that nobody pays expires, and its seat is free again within a second', async () => {
    const show = await openShow(system);
    const booking = await holdAndStart(system, show, [0], { ...testTerms, holdTtlMs: 1_000 });
    const ended = await system.temporal.workflow.getHandle(`booking/${booking.id}`).result();
    expect(ended).toBe('EXPIRED');
    expect(Date.now() - booking.expiresAtMs).toBeLessThan(1_000);
    expect((await statusesOf(system, show.id))[0]).toBe('a');
  });
});
