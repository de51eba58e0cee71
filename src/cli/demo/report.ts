import type { ShowAudit } from '../audit.ts';
import { visitEnds } from './buyer.ts';
import type { News } from './news.ts';
import type { StormedShow } from './show-to-storm.ts';
import type { StormProgress } from './storm.ts';

export const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;

/** What the words of the display mean. */
export const legend = (holdTtlSeconds: number): string =>
  [
    `Each of them asks for the best seats side by side, which are held for ${holdTtlSeconds} s. A visit ends as`,
    ...Object.entries(visitEnds).map(([end, meaning]) => `  ${end.padEnd(10)} ${meaning}`),
    '',
  ].join('\n');

export interface Results {
  readonly show: StormedShow;
  readonly audit: ShowAudit;
  readonly progress: StormProgress;
  readonly news: News;
}

/** The end of the demo: what went wrong on the way, the visits, and what every record says. */
export function report({ show, audit, progress, news }: Results): string {
  const { figures } = audit;
  const { seatsSold, money } = figures;
  const differences = [...lostConfirmations(progress, audit), ...audit.differences];
  const amounts = (minor: number) => amountIn(show.currency, minor);
  const lines = news.lines();
  return [
    '',
    ...(lines.length === 0 ? [] : ['Meanwhile:', ...lines.map((line) => `  ${line}`)]),
    `Visits: ${Object.entries(progress.visits)
      .map(([end, number]) => `${number} ${end}`)
      .join(', ')}`,
    `Audit of ${plural(figures.bookings, 'confirmed booking')}: ${confirmedHow(progress, audit)}`,
    `  seats sold       by bookings ${seatsSold.bookings} · by table booked_seats ${seatsSold.rows} · ` +
      `by the show's workflow ${seatsSold.workflow} · by the API ${seatsSold.api} · of ${figures.seats}`,
    `  money kept       by prices of what is confirmed ${amounts(money.owed)} · by payments less refunds ` +
      `${amounts(money.payments)} · by the provider's ledger ${amounts(money.ledger)}`,
    ...differences.map((difference) => `  DIFFERENCE: ${difference}`),
    differences.length === 0 ? 'All records agree.' : `${plural(differences.length, 'difference')}.`,
  ].join('\n');
}

/** Visits and bookings are not the same number: money may come, or its answer be lost, after the buyer has left. */
function confirmedHow({ toldConfirmed }: StormProgress, { confirmed }: ShowAudit): string {
  const untold = [...confirmed].filter((id) => !toldConfirmed.has(id)).length;
  const told = `${confirmed.size - untold} as their buyers were told`;
  return untold === 0 ? told : `${told}, ${untold} of late money that found its seats still free`;
}

/** A confirmation that a buyer has seen must be there, whatever was killed since. */
const lostConfirmations = ({ toldConfirmed }: StormProgress, { confirmed }: ShowAudit): string[] =>
  [...toldConfirmed]
    .filter((id) => !confirmed.has(id))
    .map((id) => `booking ${id}: its buyer was told that it is confirmed, and it is not`);

function amountIn(currency: string, minor: number): string {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency, currencyDisplay: 'code' });
  return format.format(minor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 0)).replace(/\u00a0/g, ' ');
}
