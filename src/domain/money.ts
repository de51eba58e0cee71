/** An amount in integer minor units (paise, cents) of an ISO 4217 currency. */
export interface Money {
  readonly amount: number;
  readonly currency: string;
}

export const money = (amount: number, currency: string): Money => {
  if (!Number.isSafeInteger(amount)) throw new RangeError(`money amount must be a safe integer, got ${amount}`);
  return { amount, currency };
};

export const isSameMoney = (a: Money, b: Money): boolean => a.amount === b.amount && a.currency === b.currency;

/** Sum of amounts of one currency. Throws RangeError when currencies differ. */
export function sumMoney(amounts: readonly Money[], currency: string): Money {
  return money(
    amounts.reduce((sum, each) => {
      if (each.currency !== currency) throw new RangeError(`cannot add ${each.currency} to ${currency}`);
      return sum + each.amount;
    }, 0),
    currency,
  );
}
