import type {
  ChargeOutcome,
  ChargeRequest,
  FoundCharge,
  LedgerPage,
  LedgerWindow,
  RefundOutcome,
} from '../contracts/payments.ts';
import type { PaymentGateway } from './payment-gateway.ts';
import { refusalReasons, wasNotSent } from './refusal-reasons.ts';

/** Attempts remembered as already sent by this process; across processes the caller says it (`repeated`). */
const SENT_ATTEMPTS_MAX = 10_000;

export type FallbackEvent =
  /** The backup is asked to charge, because the first provider refused for this reason. */
  | { readonly kind: 'fallback'; readonly attemptId: string; readonly reason: string }
  /** Two providers have captured one attempt. Must never happen; reconciliation reports it, and a person gives one back. */
  | { readonly kind: 'charged_twice'; readonly attemptId: string };

export interface FallbackGateway extends PaymentGateway {
  /** Each by itself, the first one first. */
  readonly providers: readonly PaymentGateway[];
}

/** Which providers there are, and what for. */
export interface ProviderChain {
  readonly primary: PaymentGateway;
  /** Charged when the first has certainly not; null: nobody is. */
  readonly backup: PaymentGateway | null;
  /** Not charged any more, but asked, and refunded: for what was paid there. */
  readonly retired?: readonly PaymentGateway[];
}

/**
 * Several providers as one. The rule, which keeps an attempt from being charged at two of them:
 *
 * - The first call of an attempt goes to `primary`. Only when the outcome is `not_processed` (refused before charging,
 *   circuit open, no connection) and the attempt was not voided, it goes to `backup`. Never while it is unknown.
 * - A later call of the same attempt may find that the earlier one has reached any provider. So it first closes all others
 *   for this attempt by a void, and answers what that finds; then it goes to `primary` alone. A refusal now says nothing
 *   about the earlier call: one that did not even reach the provider leaves the outcome unknown, and after the provider's
 *   own refusal its void tells.
 * - Finding and voiding ask all. An attempt is voided only when it is at all of them.
 * - A refund goes to the provider that captured.
 * - The ledger is that of the one and then that of the next, each oldest first.
 */
export function createFallbackGateway(
  { primary, backup, retired = [] }: ProviderChain,
  observe: (event: FallbackEvent) => void = () => undefined,
): FallbackGateway {
  const sent = new SentAttempts();
  const others = backup === null ? retired : [backup, ...retired];
  const providers = [primary, ...others];

  return {
    provider: primary.provider,
    providers,

    charge(request, timeoutMs) {
      const repeated = sent.add(request.attemptId) || request.repeated === true;
      return repeated ? chargeAgain(primary, others, request, timeoutMs) : chargeFirst(request, timeoutMs);
    },

    async findCharge(attemptId) {
      const all = await Promise.all(providers.map((each) => each.findCharge(attemptId)));
      reportTwice(attemptId, all);
      return decisive(all) ?? foundAtNone(all);
    },

    async voidCharge(attemptId) {
      const all = await Promise.all(providers.map((each) => each.voidCharge(attemptId)));
      reportTwice(attemptId, all);
      return decisive(all) ?? all[0]!;
    },

    refund(request): Promise<RefundOutcome> {
      const captor = providers.find((gateway) => gateway.provider === request.provider);
      if (captor === undefined) return Promise.resolve({ status: 'failed', reason: 'unknown_provider' });
      return captor.refund(request);
    },

    async findRefund(refundId) {
      const all = await Promise.all(providers.map((each) => each.findRefund(refundId)));
      const known = all.find((refund) => refund.status !== 'not_found' && refund.status !== 'unknown');
      return known ?? all.find((refund) => refund.status === 'unknown') ?? { status: 'not_found' };
    },

    ledger: (window, cursor) => ledgerInTurn(providers, window, cursor),
  };

  async function chargeFirst(request: ChargeRequest, timeoutMs: number): Promise<ChargeOutcome> {
    const outcome = await primary.charge(request, timeoutMs);
    if (backup === null || outcome.status !== 'not_processed' || outcome.reason === refusalReasons.voided)
      return outcome;
    observe({ kind: 'fallback', attemptId: request.attemptId, reason: outcome.reason });
    return backup.charge(request, timeoutMs);
  }

  function reportTwice(attemptId: string, charges: readonly FoundCharge[]): void {
    if (charges.filter(({ status }) => status === 'succeeded').length > 1)
      observe({ kind: 'charged_twice', attemptId });
  }
}

async function chargeAgain(
  primary: PaymentGateway,
  others: readonly PaymentGateway[],
  request: ChargeRequest,
  timeoutMs: number,
): Promise<ChargeOutcome> {
  const elsewhere = decisive(await Promise.all(others.map((each) => each.voidCharge(request.attemptId))));
  if (elsewhere?.status === 'unknown') {
    const atPrimary = await primary.findCharge(request.attemptId);
    return isKnown(atPrimary) ? atPrimary : elsewhere;
  }
  if (elsewhere) return elsewhere;
  const outcome = await primary.charge(request, timeoutMs);
  if (outcome.status !== 'not_processed') return outcome;
  if (wasNotSent(outcome.reason)) return { ...outcome, status: 'unknown' };
  return primary.voidCharge(request.attemptId);
}

/** Its cursor is the place of a provider, and that provider's own cursor. */
async function ledgerInTurn(
  providers: readonly PaymentGateway[],
  window: LedgerWindow,
  cursor = '0:',
): Promise<LedgerPage> {
  const [, place, cursorThere] = /^(\d):(.*)$/s.exec(cursor) ?? [];
  const provider = providers[Number(place)];
  if (!provider) throw new RangeError('a cursor of another ledger');
  const { entries, nextCursor } = await provider.ledger(window, cursorThere || undefined);
  if (nextCursor !== null) return { entries, nextCursor: `${place}:${nextCursor}` };
  const next = Number(place) + 1;
  return { entries, nextCursor: next < providers.length ? `${next}:` : null };
}

type KnownCharge = Extract<ChargeOutcome, { providerReference: string }>;

/** The provider has the charge, however it ended or will end. */
const isKnown = (charge: FoundCharge): charge is KnownCharge =>
  charge.status === 'succeeded' || charge.status === 'pending' || charge.status === 'declined';

/**
 * What outweighs the other providers' word, in this order: money that moved or may yet move, then doubt, then a no.
 * Nothing when all only say that they have not charged.
 */
function decisive<Charge extends FoundCharge>(all: readonly Charge[]): Charge | undefined {
  const order: readonly FoundCharge['status'][] = ['succeeded', 'pending', 'unknown', 'declined', 'failed'];
  for (const status of order) {
    const charge = all.find((each) => each.status === status);
    if (charge !== undefined) return charge;
  }
  return undefined;
}

/** One tombstone says nothing about another provider: only all of them mean that it will never charge. */
function foundAtNone(all: readonly FoundCharge[]): FoundCharge {
  return all.find((charge) => charge.status === 'not_found') ?? all[0]!;
}

class SentAttempts {
  readonly #ids = new Set<string>();

  /** Remembers the attempt; true if it was there already. The oldest are forgotten first. */
  add(attemptId: string): boolean {
    const known = this.#ids.delete(attemptId);
    this.#ids.add(attemptId);
    if (this.#ids.size > SENT_ATTEMPTS_MAX) this.#ids.delete(this.#ids.values().next().value!);
    return known;
  }
}
