import { scatteredSeats } from '../../src/cli/demo/scattered-seats.ts';

describe('a group that finds no seats side by side', () => {
  const hall = 'bbabbaabbbbaaaab';

  it('takes whole stretches of free seats, no more than it has people', () => {
    const seats = (count: number) => scatteredSeats(hall, count, () => 0);
    expect(seats(10)).toEqual([2, 5, 6, 11, 12, 13, 14]);
    expect(seats(4)).toEqual([2, 5, 6]);
  });

  it('gets none where only one could be had, or nothing is free', () => {
    expect(scatteredSeats('babb', 10, () => 0)).toEqual([]);
    expect(scatteredSeats('baaaab', 3, () => 0)).toEqual([]);
    expect(scatteredSeats('bhxb', 10, () => 0)).toEqual([]);
  });
});
