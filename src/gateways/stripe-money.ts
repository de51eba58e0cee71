import type { CapturedMoney } from '../contracts/payments.ts';

type Money = CapturedMoney['amount'];

/**
 * Stripe counts in a currency's smallest unit, as we do by ISO 4217, but for a few: so many of Stripe's units are so many
 * of ours. Source: https://docs.stripe.com/currencies, "Zero-decimal" and "Special cases".
 */
const exchanged: Readonly<Record<string, { readonly stripes: number; readonly ours: number }>> = {
  // Without decimals, which Stripe takes as if with two, for compatibility.
  ISK: { stripes: 100, ours: 1 },
  UGX: { stripes: 100, ours: 1 },
  // Two decimals by ISO, none at Stripe.
  MGA: { stripes: 1, ours: 100 },
};
const same = { stripes: 1, ours: 1 };

/** Of three decimals Stripe charges the first two: the last digit has to be 0. */
const threeDecimals: ReadonlySet<string> = new Set(['BHD', 'JOD', 'KWD', 'OMR', 'TND']);

/** In Stripe's units; undefined for an amount that Stripe can't charge. */
export function toStripeAmount({ amount, currency }: Money): number | undefined {
  if (threeDecimals.has(currency) && amount % 10 !== 0) return undefined;
  const { stripes, ours } = exchanged[currency] ?? same;
  return wholeOnly((amount * stripes) / ours);
}

/** From Stripe's units of its lower-case currency; undefined for an amount that we can't express. */
export function fromStripeAmount(units: number, stripeCurrency: string): Money | undefined {
  const currency = stripeCurrency.toUpperCase();
  const { stripes, ours } = exchanged[currency] ?? same;
  const amount = wholeOnly((units * ours) / stripes);
  return amount === undefined ? undefined : { amount, currency };
}

const wholeOnly = (amount: number): number | undefined => (Number.isSafeInteger(amount) ? amount : undefined);
