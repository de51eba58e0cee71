import { median, quantile } from '../../bench/statistics.ts';

describe('quantiles', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);

  it('are a value of the numbers, by nearest rank', () => {
    expect(quantile(hundred, 0.99)).toBe(99);
    expect(quantile(hundred, 1)).toBe(100);
    expect(quantile(hundred, 0.01)).toBe(1);
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 10])).toBe(3);
  });

  it('sort by size, not by letters', () => {
    expect(quantile([9, 10, 100], 1)).toBe(100);
    expect(median([100, 9, 10])).toBe(10);
  });

  it('of no numbers are no number', () => {
    expect(quantile([], 0.99)).toBeNaN();
    expect(median([])).toBeNaN();
  });
});
