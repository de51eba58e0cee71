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
  /** Both providers have captured one attempt. Must never happen; reconciliation gives one back. */
  | { readonly kind: 'charged_twice'; readonly attemptId: string };

export interface FallbackGateway extends PaymentGateway {
  /** Each by itself, the first one first. */
  readonly providers: readonly PaymentGateway[];
}

/**
 * Two providers as one. The rule, which keeps an attempt from being charged at both:
 *
 * - The first call of an attempt goes to `primary`. Only when the outcome is `not_processed` (refused before charging,
 *   circuit open, no connection) and the attempt was not voided, it goes to `backup`. Never while it is unknown.
 * - A later call of the same attempt may find that the earlier one has reached either provider. So it first closes the
 *   backup for this attempt by a void, and answers what that finds; then it goes to `primary` alone. A refusal now says
 *   nothing about the earlier call: one that did not even reach the provider leaves the outcome unknown, and after the
 *   provider's own refusal its void tells.
 * - Finding and voiding ask both. An attempt is voided only when it is at both.
 * - A refund goes to the provider that captured.
 * - The ledger is that of the one and then that of the other, each oldest first.
 */
export function createFallbackGateway(
  primary: PaymentGateway,
  backup: PaymentGateway,
  observe: (event: FallbackEvent) => void = () => undefined,
): FallbackGateway {
  const sent = new SentAttempts();
  const providers = [primary, backup];

  return {
    provider: primary.provider,
    providers,

    charge(request, timeoutMs) {
      const repeated = sent.add(request.attemptId) || request.repeated === true;
      return repeated ? chargeAgain(primary, backup, request, timeoutMs) : chargeFirst(request, timeoutMs);
    },

    async findCharge(attemptId) {
      const both = await Promise.all([primary.findCharge(attemptId), backup.findCharge(attemptId)]);
      reportTwice(attemptId, both);
      return decisive(both) ?? foundAtNeither(both);
    },

    async voidCharge(attemptId) {
      const both = await Promise.all([primary.voidCharge(attemptId), backup.voidCharge(attemptId)]);
      reportTwice(attemptId, both);
      return decisive(both) ?? both[0];
    },

    refund(request): Promise<RefundOutcome> {
      const captor = providers.find((gateway) => gateway.provider === request.provider);
      if (captor === undefined) return Promise.resolve({ status: 'failed', reason: 'unknown_provider' });
      return captor.refund(request);
    },

    async findRefund(refundId) {
      const both = await Promise.all([primary.findRefund(refundId), backup.findRefund(refundId)]);
      const known = both.find((refund) => refund.status !== 'not_found' && refund.status !== 'unknown');
      return known ?? both.find((refund) => refund.status === 'unknown') ?? { status: 'not_found' };
    },

    ledger: (window, cursor) => ledgerInTurn(providers, window, cursor),
  };

  async function chargeFirst(request: ChargeRequest, timeoutMs: number): Promise<ChargeOutcome> {
    const outcome = await primary.charge(request, timeoutMs);
    if (outcome.status !== 'not_processed' || outcome.reason === refusalReasons.voided) return outcome;
    observe({ kind: 'fallback', attemptId: request.attemptId, reason: outcome.reason });
    return backup.charge(request, timeoutMs);
  }

  function reportTwice(attemptId: string, both: readonly FoundCharge[]): void {
    if (both.every((charge) => charge.status === 'succeeded')) observe({ kind: 'charged_twice', attemptId });
  }
}

async function chargeAgain(
  primary: PaymentGateway,
  backup: PaymentGateway,
  request: ChargeRequest,
  timeoutMs: number,
): Promise<ChargeOutcome> {
  const atBackup = await backup.voidCharge(request.attemptId);
  if (atBackup.status === 'unknown') {
    const atPrimary = await primary.findCharge(request.attemptId);
    return isKnown(atPrimary) ? atPrimary : atBackup;
  }
  if (atBackup.status !== 'not_processed') return atBackup;
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
 * What outweighs the other provider's word, in this order: money that moved or may yet move, then doubt, then a no.
 * Nothing when both only say that they have not charged.
 */
function decisive<Charge extends FoundCharge>(both: readonly Charge[]): Charge | undefined {
  const order: readonly FoundCharge['status'][] = ['succeeded', 'pending', 'unknown', 'declined', 'failed'];
  for (const status of order) {
    const charge = both.find((each) => each.status === status);
    if (charge !== undefined) return charge;
  }
  return undefined;
}

/** One tombstone says nothing about the other provider: only both of them mean that it will never charge. */
function foundAtNeither(both: readonly FoundCharge[]): FoundCharge {
  return both.find((charge) => charge.status === 'not_found') ?? both[0]!;
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
