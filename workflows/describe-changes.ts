import type { BookingChange, BookingChangeStatus, ExchangeAnswer } from '../src/contracts/change-messages.ts';

/** What an operator reads in the Temporal UI without opening the history. Markdown. */
export function describeChanges({ change, answer, refunds }: BookingChangeStatus): string {
  return [
    `**${whatIsAsked(change)}** — ${answer === null ? 'under way' : whatBecameOfIt(answer)}`,
    ...refunds.map(({ id, amount, status }) => `refund ${id}: ${status} · ${amount.amount} ${amount.currency}`),
  ].join('\n\n');
}

function whatIsAsked(change: BookingChange): string {
  switch (change.kind) {
    case 'cancellation':
      return `cancellation of ${change.seatIds?.join(', ') ?? 'all seats'}, by ${change.requestedBy}`;
    case 'show_cancelled':
      return `show cancelled: ${change.reason}`;
    case 'exchange':
      return `exchange for ${change.to.seats.map(({ label }) => label).join(', ')} of ${change.to.showId}, booking ${change.to.id}`;
    case 'transfer':
      return `transfer to ${change.to.userId}, by ${change.requestedBy}`;
  }
}

function whatBecameOfIt(answer: ExchangeAnswer): string {
  if (!answer.ok) return `refused, ${answer.refusal}`;
  if (answer.nextAction) return `waits for the payment of the difference, ${answer.nextAction.type}`;
  const { status, bookingNumber, refund } = answer.booking;
  const back = refund ? `, ${refund.amount.amount} ${refund.amount.currency} go back in all` : '';
  return `${status} ${bookingNumber ?? ''}${back}`;
}
