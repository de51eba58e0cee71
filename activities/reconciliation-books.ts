import type { LedgerEntry, LedgerWindow } from '../src/contracts/payments.ts';
import type { PaymentGateway } from '../src/gateways/payment-gateway.ts';

/** A provider that answers slowly is read for so long in one piece: what was read is worked through before the rest. */
const READ_WITHIN_MS = 60_000;

interface Books {
  readonly movements: readonly LedgerEntry[];
  /** What is before this time is all there. */
  readonly toMs: number;
}

/**
 * The movements of all providers from the window's beginning on, until its end or until one of them has told of `limit` or was slow:
 * then up to a time before which nothing is missing. It is later than the window's beginning, however many moved at once.
 * @throws LedgerUnavailableError
 */
export async function readBooks(
  providers: readonly PaymentGateway[],
  window: LedgerWindow,
  limit: number,
): Promise<Books> {
  const books = await Promise.all(providers.map((provider) => readBook(provider, window, limit)));
  const toMs = Math.min(...books.map((book) => book.toMs));
  return { movements: books.flatMap(({ movements }) => movements.filter(({ atMs }) => atMs < toMs)), toMs };
}

async function readBook(provider: PaymentGateway, window: LedgerWindow, limit: number): Promise<Books> {
  const movements: LedgerEntry[] = [];
  const untilMs = Date.now() + READ_WITHIN_MS;
  let cursor: string | undefined;
  for (;;) {
    const { entries, nextCursor } = await provider.ledger(window, cursor);
    movements.push(...entries);
    if (nextCursor === null) return { movements, toMs: window.toMs };
    // Of the last moment there may be more.
    const lastMs = movements.at(-1)?.atMs ?? window.fromMs;
    const isEnough = movements.length >= limit || Date.now() >= untilMs;
    if (isEnough && lastMs > window.fromMs) return { movements, toMs: lastMs };
    cursor = nextCursor;
  }
}
