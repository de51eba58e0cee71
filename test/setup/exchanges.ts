import type { ExchangeChange } from '../../src/contracts/change-messages.ts';
import type { NewBooking } from '../../src/domain/booking.ts';
import { money } from '../../src/domain/money.ts';
import type { SeatCommand } from '../../src/domain/seat-commands.ts';
import { derivedId, newId } from '../../src/platform/ids.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { seatsAt } from './bookings.ts';
import type { TestSystem } from './system.ts';

/** An exchange as the API asks for it: for these seats of that show, the difference paid with the token. */
export function exchangeFor(
  booking: Pick<NewBooking, 'id' | 'userId' | 'price'>,
  to: Show,
  seats: readonly number[],
  token = 'tok_ok',
): ExchangeChange {
  const changeId = newId('chg');
  const choice = seatsAt(to, seats);
  const { total } = booking.price;
  const amount = money(choice.price.total.amount - total.amount, total.currency);
  const payment = { attemptId: derivedId('pay', changeId), amount, method: 'card', token } as const;
  return {
    kind: 'exchange',
    changeId,
    bookingId: booking.id,
    requestedBy: booking.userId,
    price: total,
    to: {
      id: derivedId('bkg', changeId),
      showId: to.id,
      userId: booking.userId,
      cityId: to.cityId,
      ...choice,
      fingerprint: `fingerprint of ${changeId}`,
    },
    holdTtlMs: 20_000,
    ...(amount.amount > 0 && { payment }),
  };
}

/** A further seat of its show is booked for a confirmed booking, and no record but the show's knows of it. */
export async function comeByFurtherSeat(
  { workflows }: Pick<TestSystem, 'workflows'>,
  { id, showId, userId: buyerId, seats: own }: NewBooking,
  seat: number,
): Promise<void> {
  const other = newId('bkg');
  const fingerprint = `fingerprint of ${other}`;
  const taken = { fingerprint, buyerId, ttlMs: 30_000, pick: { seats: [seat] } } as const;
  const kept = own.map(({ index }) => index);
  const commands: readonly SeatCommand[] = [
    { kind: 'hold', bookingId: other, ...taken },
    { kind: 'exchange', fromBookingId: id, bookingId: other, buyerId, seats: [seat] },
    { kind: 'exchange', fromBookingId: other, bookingId: id, buyerId, seats: kept, back: true },
  ];
  for (const command of commands) {
    const result = await workflows.seatCommand(showId, command);
    if (!result.ok) throw new Error(`${command.kind} refused: ${JSON.stringify(result)}`);
  }
}
