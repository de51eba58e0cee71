import { tooLittle, workOf } from './work.ts';

const sale = (status: string) => ({ status }) as never;
const many = <Value>(count: number, value: Value): Map<string, Value> =>
  new Map(Array.from({ length: count }, (_, number) => [String(number), value]));
const market = (bought: number, refused: number) => ({
  figures: { outcomes: { 'hold ok': 40 }, codes: { SEAT_UNAVAILABLE: refused }, operations: 0, holdMs: [] },
  told: { bookings: many(bought, sale('CONFIRMED')), answers: many(40, {} as never) } as never,
});
const maps = [[{ reads: 10 }, { reads: 20 }], [{ events: 30 }]] as const;

test('a run in which somebody bought, and others were refused, has shown something', () => {
  expect(tooLittle(workOf(market(10, 60), ...maps))).toEqual([]);
});

test.each([
  ['in which nobody bought', market(0, 60), ['too little to show anything: 0 of 6 bookings confirmed']],
  ['in which nobody was refused', market(10, 0), ['too little to show anything: 0 of 51 seats refused']],
])('a run %s has shown nothing', (_, seen, told) => {
  expect(tooLittle(workOf(seen, ...maps))).toEqual(told);
});
