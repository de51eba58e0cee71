import type { ExchangeChange } from '../../src/contracts/change-messages.ts';
import type { NewBooking } from '../../src/domain/booking.ts';
import { money } from '../../src/domain/money.ts';
import { derivedId, newId } from '../../src/platform/ids.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { seatsAt } from './bookings.ts';

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
