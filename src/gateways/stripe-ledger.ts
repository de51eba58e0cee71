import type Stripe from 'stripe';
import { LEDGER_PAGE_MAX, type LedgerEntry, type LedgerPage, type LedgerWindow } from '../contracts/payments.ts';
import { LedgerUnavailableError } from './payment-gateway.ts';
import { failureOf, reasonOf } from './stripe-client.ts';
import { fromStripeAmount } from './stripe-money.ts';
import { readMetadata, STRIPE } from './stripe-objects.ts';

const LIST_PAGE = 100;
/** The first span of a window that is tried; what holds more than a page of ours is tried again, a quarter as long. */
const FIRST_SPAN_SECONDS = 3_600;
const SPAN_MAX_SECONDS = 24 * 3_600;

interface Span {
  readonly fromSeconds: number;
  readonly toSeconds: number;
}

/**
 * A page of what Stripe has captured and refunded. Stripe lists newest first and has no way to begin at the oldest, so a page
 * is a span of time that holds no more than a page may, and the cursor is where the next one begins, and how long to try.
 * Times are those of the charge's and the refund's making; Stripe's are whole seconds.
 */
export async function ledgerPage(
  stripe: Stripe,
  window: LedgerWindow,
  cursor: string | undefined,
  timeoutMs: number,
): Promise<LedgerPage> {
  const endSeconds = Math.ceil(window.toMs / 1_000);
  const start = cursor === undefined ? undefined : readCursor(cursor);
  const fromSeconds = start?.fromSeconds ?? Math.floor(window.fromMs / 1_000);
  let spanSeconds = start?.spanSeconds ?? FIRST_SPAN_SECONDS;
  for (;;) {
    const toSeconds = Math.min(endSeconds, fromSeconds + spanSeconds);
    const entries = await entriesOf(stripe, { fromSeconds, toSeconds }, timeoutMs, spanSeconds > 1);
    if (entries === 'too many') {
      spanSeconds = Math.max(1, Math.floor(Math.min(spanSeconds, toSeconds - fromSeconds) / 4));
      continue;
    }
    const nextSpan = entries.length < LEDGER_PAGE_MAX / 4 ? Math.min(spanSeconds * 2, SPAN_MAX_SECONDS) : spanSeconds;
    return {
      entries: entries.filter(({ atMs }) => atMs >= window.fromMs && atMs < window.toMs),
      nextCursor: toSeconds >= endSeconds ? null : `${toSeconds}.${nextSpan}`,
    };
  }
}

function readCursor(cursor: string): { fromSeconds: number; spanSeconds: number } {
  const [, from, span] = /^(\d{1,12})\.(\d{1,6})$/.exec(cursor) ?? [];
  if (from === undefined || span === undefined) throw new RangeError('a cursor of another ledger');
  return { fromSeconds: Number(from), spanSeconds: Math.max(1, Number(span)) };
}

/** Oldest first. A span of a second is not too many: Stripe takes some hundred calls in one. */
async function entriesOf(
  stripe: Stripe,
  { fromSeconds, toSeconds }: Span,
  timeoutMs: number,
  mayBeCut: boolean,
): Promise<LedgerEntry[] | 'too many'> {
  const options = { timeout: timeoutMs };
  const created = { gte: fromSeconds, lt: toSeconds };
  const entries: LedgerEntry[] = [];
  const isFull = () => mayBeCut && entries.length > LEDGER_PAGE_MAX;
  try {
    for await (const charge of stripe.charges.list({ created, limit: LIST_PAGE }, options)) {
      entries.push(...chargeEntries(charge));
      if (isFull()) return 'too many';
    }
    const expand = ['data.charge'];
    for await (const refund of stripe.refunds.list({ created, limit: LIST_PAGE, expand }, options)) {
      entries.push(...refundEntries(refund));
      if (isFull()) return 'too many';
    }
  } catch (error) {
    if (error instanceof LedgerUnavailableError) throw error;
    throw new LedgerUnavailableError(`${STRIPE}: ${reasonOf(failureOf(error))}`, { cause: error });
  }
  return entries.sort((one, other) => one.atMs - other.atMs);
}

function chargeEntries(charge: Stripe.Charge): LedgerEntry[] {
  if (charge.status !== 'succeeded' || charge.amount_captured === 0) return [];
  const { bookingId = null, attemptId = null } = readMetadata(charge.metadata);
  return [{ ...movement(charge, charge.amount_captured), kind: 'charge', bookingId, attemptId, refundId: null }];
}

/** Of a refund that was made by hand the charge tells whose it is. */
function refundEntries(refund: Stripe.Refund): LedgerEntry[] {
  if (refund.status !== 'succeeded') return [];
  const charge = typeof refund.charge === 'object' ? refund.charge : null;
  const { bookingId = null, attemptId = null } = readMetadata(charge?.metadata);
  const own = readMetadata(refund.metadata);
  return [
    {
      ...movement(refund, refund.amount),
      kind: 'refund',
      bookingId: own.bookingId ?? bookingId,
      attemptId: own.attemptId ?? attemptId,
      refundId: own.refundId ?? null,
    },
  ];
}

function movement({ id, currency, created }: { id: string; currency: string; created: number }, units: number) {
  const amount = fromStripeAmount(units, currency);
  if (!amount || !Number.isInteger(created)) throw new LedgerUnavailableError(`${STRIPE}: unreadable_answer`);
  return { id, provider: STRIPE, amount, atMs: created * 1_000 };
}
