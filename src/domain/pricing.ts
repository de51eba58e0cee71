import { type Money, sumMoney } from './money.ts';

export interface PriceLine {
  /** `seats` for base prices; fees, items, coupons and points get kinds of their own. */
  readonly kind: 'seats';
  readonly label: string;
  readonly amount: Money;
}

/** Lines sum to the total. */
export interface Price {
  readonly lines: readonly PriceLine[];
  readonly total: Money;
}

/** What a category of a show costs per seat. */
export interface CategoryPrice {
  readonly id: string;
  readonly name: string;
  readonly price: Money;
}

/** One line per category that has seats in the choice, in the order of `categories`, labelled `2 × Gold`. */
export function priceSeats(seatCategoryIds: readonly string[], categories: readonly CategoryPrice[]): Price {
  const currency = categories[0]?.price.currency;
  if (currency === undefined) throw new RangeError('a show needs at least one priced category');
  const unknown = seatCategoryIds.find((id) => !categories.some((category) => category.id === id));
  if (unknown !== undefined) throw new RangeError(`category ${unknown} has no price`);
  const lines = categories.flatMap((category): PriceLine[] => {
    const count = seatCategoryIds.filter((id) => id === category.id).length;
    if (count === 0) return [];
    const amount = { amount: count * category.price.amount, currency: category.price.currency };
    return [{ kind: 'seats', label: `${count} × ${category.name}`, amount }];
  });
  return {
    lines,
    total: sumMoney(
      lines.map((line) => line.amount),
      currency,
    ),
  };
}
