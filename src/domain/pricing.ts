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

/**
 * The price of seats at what each of them was sold for, whatever its category costs by now, and of `further` lines;
 * `categories` give the names and the order of the lines.
 */
export function priceAsSold<Line extends { readonly amount: Money }>(
  seats: readonly { readonly category: string; readonly price: Money }[],
  categories: readonly Pick<CategoryPrice, 'id' | 'name'>[],
  further: readonly Line[],
  currency: string,
): { readonly lines: readonly (PriceLine | Line)[]; readonly total: Money } {
  const known = categories.map(({ id }) => id);
  const gone = seats.map(({ category }) => category).filter((id) => !known.includes(id));
  const named = [...categories, ...[...new Set(gone)].map((id) => ({ id, name: id }))];
  const sold = named.flatMap(({ id, name }): PriceLine[] => {
    const prices = seats.filter(({ category }) => category === id).map(({ price }) => price);
    if (prices.length === 0) return [];
    return [{ kind: 'seats', label: `${prices.length} × ${name}`, amount: sumMoney(prices, currency) }];
  });
  const lines = [...sold, ...further];
  return {
    lines,
    total: sumMoney(
      lines.map((line) => line.amount),
      currency,
    ),
  };
}
