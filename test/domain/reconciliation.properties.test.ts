import fc from 'fast-check';
import { type MoneyCase, moneyDifferences } from '../../src/domain/money-differences.ts';
import type { DifferenceClass, JudgedBefore } from '../../src/domain/reconciliation.ts';
import { type SeatCase, seatDifferences } from '../../src/domain/seat-differences.ts';

/** Everything of these worlds happened before, and is to be judged. */
const BEFORE: JudgedBefore = { quietMs: 10_000, attemptMs: 10_000, holdMs: 10_000 };
const AT_MS = 1_000;
const SEAT = 250;
const inr = (amount: number) => ({ amount, currency: 'INR' });

// ---- worlds of money in which all records agree ----

type World = MoneyCase & { readonly story: string };

interface Told {
  readonly bookings: MoneyCase['bookings'];
  readonly attempts: MoneyCase['attempts'];
  readonly refunds: MoneyCase['refunds'];
  readonly changes: MoneyCase['changes'];
}

/** The provider has what the records say. */
function agreed(story: string, told: Told): World {
  const providerOf = (attemptId: string) => told.attempts.find(({ id }) => id === attemptId)!.provider!;
  return {
    story,
    id: 'b1',
    ...told,
    movements: [
      ...told.attempts
        .filter(({ status }) => status === 'SUCCEEDED')
        .map(({ id, bookingId, provider, amount }) => ({
          ...{ id: `ch-${id}`, provider: provider!, kind: 'charge' as const, bookingId, attemptId: id },
          ...{ refundId: null, amount, atMs: AT_MS },
        })),
      ...told.refunds
        .filter(({ status }) => status === 'SUCCEEDED')
        .map(({ id, bookingId, attemptId, amount }) => ({
          ...{ id: `re-${id}`, provider: providerOf(attemptId), kind: 'refund' as const, bookingId, attemptId },
          ...{ refundId: id, amount, atMs: AT_MS },
        })),
    ],
    pendingRefunds: told.refunds.filter(({ status }) => status === 'PENDING').map(({ id }) => id),
    isAtWork: false,
    isOwned: false,
  };
}

const booking = (id: string, status: World['bookings'][number]['status'], amount: number, kept = 0) => ({
  ...{ id, showId: 's1', status, total: inr(amount), kept, expiresAtMs: AT_MS, changedAtMs: AT_MS },
  paidBy: ['CONFIRMED', 'CANCELLED', 'EXCHANGED'].includes(status) ? `p-${id}` : null,
});
const attempt = (id: string, bookingId: string, status: World['attempts'][number]['status'], amount: number) => ({
  ...{ id, bookingId, status, provider: 'one', amount: inr(amount), createdAtMs: AT_MS, updatedAtMs: AT_MS },
});
const refund = (id: string, attemptId: string, bookingId: string, amount: number, changeId: string | null) => ({
  ...{ id, attemptId, bookingId, amount: inr(amount), changeId, updatedAtMs: AT_MS },
});

const price = fc.integer({ min: 2, max: 8 }).map((seats) => seats * SEAT);
const isPending = fc.boolean();

/** Bookings that ended unpaid or declined, were bought, cancelled in part or whole, given back, exchanged. */
const world: fc.Arbitrary<World> = fc.oneof(
  fc
    .record({ total: price, status: fc.constantFrom('EXPIRED' as const, 'RELEASED' as const), declined: fc.nat(3) })
    .map(({ total, status, declined }) =>
      agreed('unpaid', {
        bookings: [booking('b1', status, total)],
        attempts: Array.from({ length: declined }, (_, at) => attempt(`p${at}`, 'b1', 'DECLINED', total)),
        refunds: [],
        changes: [],
      }),
    ),
  fc.record({ total: price, declined: fc.nat(3) }).map(({ total, declined }) =>
    agreed('bought', {
      bookings: [booking('b1', 'CONFIRMED', total)],
      attempts: [
        ...Array.from({ length: declined }, (_, at) => attempt(`p${at}`, 'b1', 'FAILED', total)),
        attempt('p-b1', 'b1', 'SUCCEEDED', total),
      ],
      refunds: [],
      changes: [],
    }),
  ),
  fc.record({ total: price, half: fc.boolean(), pending: isPending }).map(({ total, half, pending }) => {
    const back = half ? total / 2 : total;
    return agreed('cancelled', {
      bookings: [booking('b1', 'CANCELLED', total, total - back)],
      attempts: [attempt('p-b1', 'b1', 'SUCCEEDED', total)],
      refunds: [{ ...refund('r1', 'p-b1', 'b1', back, 'c1'), status: pending ? 'PENDING' : 'SUCCEEDED' }],
      changes: [{ id: 'c1', bookingId: 'b1', refund: back, createdAtMs: AT_MS }],
    });
  }),
  fc.record({ total: price, failed: fc.nat(2) }).map(({ total, failed }) =>
    agreed('given back', {
      bookings: [booking('b1', 'EXPIRED', total)],
      attempts: [attempt('p1', 'b1', 'SUCCEEDED', total)],
      refunds: [
        ...Array.from({ length: failed }, (_, at) => ({
          ...refund(`f${at}`, 'p1', 'b1', total, null),
          status: 'FAILED' as const,
        })),
        { ...refund('r1', 'p1', 'b1', total, null), status: 'SUCCEEDED' },
      ],
      changes: [],
    }),
  ),
  fc.record({ first: price, second: price }).map(({ first, second }) => {
    const back = Math.max(0, first - second);
    const more = Math.max(0, second - first);
    return agreed('exchanged', {
      bookings: [
        { ...booking('b1', 'EXCHANGED', first), paidBy: 'p-b1' },
        { ...booking('b2', 'CONFIRMED', second), paidBy: more > 0 ? 'p-b2' : 'p-b1' },
      ],
      attempts: [
        attempt('p-b1', 'b1', 'SUCCEEDED', first),
        ...(more > 0 ? [attempt('p-b2', 'b2', 'SUCCEEDED', more)] : []),
      ],
      refunds: back > 0 ? [{ ...refund('r1', 'p-b1', 'b1', back, 'c1'), status: 'SUCCEEDED' }] : [],
      changes: [{ id: 'c1', bookingId: 'b1', refund: back, createdAtMs: AT_MS }],
    });
  }),
);

const kindsOf = (records: MoneyCase): DifferenceClass[] => moneyDifferences(records, BEFORE).map(({ kind }) => kind);

const isCharge = ({ kind }: { readonly kind: string }) => kind === 'charge';
const firstCharge = (records: World) => records.movements.find(isCharge)!;
const firstRefund = (records: World) => records.movements.find((each) => !isCharge(each))!;
const mapped = <Item extends { readonly id: string }>(
  items: readonly Item[],
  id: string,
  change: (item: Item) => Item,
) => items.map((item) => (item.id === id ? change(item) : item));
const without = <Item>(items: readonly Item[], one: Item) => items.filter((item) => item !== one);

interface Mutation {
  readonly becomes: DifferenceClass;
  readonly applies: (records: World) => boolean;
  readonly mutate: (records: World) => MoneyCase;
}

const isCaptured = (records: World) => records.movements.some(isCharge);
const isRefunded = (records: World) => records.movements.some((each) => !isCharge(each));

/** One deed each, after which just one thing is wrong. */
const mutations: Readonly<Record<string, Mutation>> = {
  'a charge that nobody asked for': {
    becomes: 'captured_without_booking',
    applies: () => true,
    mutate: (records) => ({
      ...records,
      movements: [
        ...records.movements,
        {
          ...{ id: 'x', provider: 'one', kind: 'charge' as const, bookingId: 'b1', attemptId: 'px' },
          ...{ refundId: null, amount: inr(SEAT), atMs: AT_MS },
        },
      ],
    }),
  },
  'a second payment of what is bought': {
    becomes: 'captured_twice',
    applies: ({ story }) => story === 'bought' || story === 'cancelled',
    mutate: ({ story, ...told }) =>
      agreed(story, { ...told, attempts: [...told.attempts, attempt('px', 'b1', 'SUCCEEDED', SEAT)] }),
  },
  'a charge that the provider forgets': {
    becomes: 'booking_without_capture',
    applies: ({ story }) => story === 'bought',
    mutate: (records) => ({ ...records, movements: without(records.movements, firstCharge(records)) }),
  },
  'another amount at the provider': {
    becomes: 'amount_differs',
    applies: (records) => isCaptured(records) && !isRefunded(records),
    mutate: (records) => ({
      ...records,
      movements: mapped(records.movements, firstCharge(records).id, (each) => ({
        ...each,
        amount: inr(each.amount.amount + 1),
      })),
    }),
  },
  'another currency at the provider': {
    becomes: 'currency_differs',
    applies: isCaptured,
    mutate: (records) => ({
      ...records,
      movements: mapped(records.movements, firstCharge(records).id, (each) => ({
        ...each,
        amount: { ...each.amount, currency: 'USD' },
      })),
    }),
  },
  'an attempt that nobody followed': {
    becomes: 'attempt_without_outcome',
    applies: () => true,
    mutate: (records) => ({ ...records, attempts: [...records.attempts, attempt('px', 'b1', 'UNKNOWN', SEAT)] }),
  },
  'a refund that the provider forgets': {
    becomes: 'refund_missing',
    applies: isRefunded,
    mutate: (records) => ({ ...records, movements: without(records.movements, firstRefund(records)) }),
  },
  'a promise that is not kept': {
    becomes: 'refund_missing',
    applies: ({ story, changes }) => story !== 'given back' && changes.some((change) => change.refund > 0),
    mutate: (records) => ({
      ...records,
      refunds: [],
      movements: records.movements.filter(isCharge),
      pendingRefunds: [],
    }),
  },
  'a refund that was made and is not written down': {
    becomes: 'refund_unfinished',
    applies: isRefunded,
    mutate: (records) => ({
      ...records,
      refunds: mapped(records.refunds, firstRefund(records).refundId!, (each) => ({ ...each, status: 'PENDING' })),
    }),
  },
  'a refund made twice': {
    becomes: 'refund_doubled',
    applies: isRefunded,
    mutate: (records) => ({
      ...records,
      movements: [...records.movements, { ...firstRefund(records), id: 'again' }],
    }),
  },
  'a refund made by hand': {
    becomes: 'refund_unknown',
    applies: isCaptured,
    mutate: (records) => ({
      ...records,
      movements: [
        ...records.movements,
        { ...firstCharge(records), id: 'by hand', kind: 'refund', refundId: null, amount: inr(1) },
      ],
    }),
  },
  'a refund that failed by our records only': {
    becomes: 'refund_unknown',
    applies: isRefunded,
    mutate: (records) => ({
      ...records,
      refunds: mapped(records.refunds, firstRefund(records).refundId!, (each) => ({ ...each, status: 'FAILED' })),
    }),
  },
  'one refund more than there was money': {
    becomes: 'refund_over_captured',
    applies: ({ story }) => story === 'given back',
    mutate: ({ story, ...told }) =>
      agreed(story, {
        ...told,
        refunds: [...told.refunds, { ...refund('rx', 'p1', 'b1', SEAT, null), status: 'SUCCEEDED' }],
      }),
  },
  'something kept that nobody decided on': {
    becomes: 'money_disagrees',
    applies: ({ story }) => story !== 'unpaid',
    mutate: (records) => ({
      ...records,
      bookings: mapped(records.bookings, 'b1', (each) => ({ ...each, kept: each.kept + 1 })),
    }),
  },
  'a hold that nobody ends': {
    becomes: 'held_past_expiry',
    applies: ({ story }) => story === 'unpaid',
    mutate: (records) => ({
      ...records,
      bookings: mapped(records.bookings, 'b1', (each) => ({ ...each, status: 'HELD' })),
    }),
  },
};

describe('money', () => {
  test('no difference is found where all records agree', () => {
    fc.assert(fc.property(world, (records) => expect(moneyDifferences(records, BEFORE)).toEqual([])));
  });

  test.each(Object.entries(mutations))('%s is just that', (_, { becomes, applies, mutate }) => {
    fc.assert(fc.property(world.filter(applies), (records) => expect(kindsOf(mutate(records))).toEqual([becomes])));
  });

  test('less evidence never shows fewer differences', () => {
    const mutation = fc.constantFrom(...Object.values(mutations));
    fc.assert(
      fc.property(world, mutation, ({ ...records }, { applies, mutate }) => {
        fc.pre(applies(records));
        const whole = mutate(records);
        const few = { ...whole, movements: [], pendingRefunds: [], isAtWork: null, isOwned: null };
        const isByRecords = kindsOf(whole).some((kind) =>
          ['attempt_without_outcome', 'refund_missing', 'booking_without_capture', 'held_past_expiry'].includes(kind),
        );
        if (isByRecords) expect(kindsOf(few)).not.toEqual([]);
      }),
    );
  });

  test('what has moved of late is left alone', () => {
    const mutation = fc.constantFrom(...Object.values(mutations));
    fc.assert(
      fc.property(world, mutation, (records, { applies, mutate }) => {
        fc.pre(applies(records));
        const { bookings, ...rest } = mutate(records);
        const changedNow = bookings.map((each) => ({ ...each, changedAtMs: BEFORE.quietMs }));
        expect(moneyDifferences({ ...rest, bookings: changedNow }, BEFORE)).toEqual([]);
      }),
    );
  });

  test('what an actor is about to heal is left to it', () => {
    const heals = [
      'a refund that the provider forgets',
      'a refund that was made and is not written down',
      'an attempt that nobody followed',
      'a hold that nobody ends',
    ];
    for (const name of heals) {
      const { applies, mutate } = mutations[name]!;
      fc.assert(
        fc.property(world.filter(applies), (records) =>
          expect(kindsOf({ ...mutate(records), isAtWork: true, isOwned: true })).toEqual([]),
        ),
      );
    }
  });

  test('late money that waits for a booking to end keeps nobody from ending it', () => {
    const { applies, mutate } = mutations['a hold that nobody ends']!;
    fc.assert(
      fc.property(world.filter(applies), (records) =>
        expect(kindsOf({ ...mutate(records), isAtWork: true, isOwned: false })).toEqual(['held_past_expiry']),
      ),
    );
  });
});

// ---- seats ----

const SEATS = 12;

/** Confirmed bookings and live holds, each with seats of its own, as all records have them. */
const hall: fc.Arbitrary<SeatCase> = fc
  .array(fc.constantFrom<'b' | 'h' | 'x'>('b', 'b', 'h', 'x'), { minLength: 1, maxLength: 5 })
  .map((kinds) => {
    const seatsOf = (place: number) => [2 * place, 2 * place + 1];
    const of = (wanted: string) => kinds.flatMap((kind, place) => (kind === wanted ? [place] : []));
    const statuses = Array.from({ length: SEATS }, (_, seat) => kinds[Math.floor(seat / 2)] ?? 'a').join('');
    return {
      showId: 's1',
      show: {
        version: 7,
        changedAtMs: AT_MS,
        statuses,
        claims: [...of('b'), ...of('h')].map((place) => ({
          bookingId: `b${place}`,
          seats: seatsOf(place),
          booked: kinds[place] === 'b',
          expiresAtMs: BEFORE.holdMs + 5_000,
        })),
      },
      rows: of('b').flatMap((place) =>
        seatsOf(place).map((seat) => ({ seat, seatId: `A${seat}`, bookingId: `b${place}` })),
      ),
      bookings: [...of('b'), ...of('h')].map((place) => ({
        ...{ id: `b${place}`, seats: seatsOf(place), changedAtMs: AT_MS, isPaidFor: false },
        status: kinds[place] === 'b' ? ('CONFIRMED' as const) : ('HELD' as const),
      })),
      snapshot: { version: 7, statuses },
    };
  });

const hasBooked = ({ rows }: SeatCase) => rows.length > 0;
const hasHold = ({ bookings }: SeatCase) => bookings.some(({ status }) => status === 'HELD');
const holdOf = ({ bookings }: SeatCase) => bookings.find(({ status }) => status === 'HELD')!.id;
const seatedBy = ({ rows }: SeatCase) => rows[0]!.bookingId;

const seatMutations: Readonly<
  Record<
    string,
    {
      readonly becomes: DifferenceClass;
      readonly applies: (records: SeatCase) => boolean;
      readonly mutate: (records: SeatCase) => SeatCase;
    }
  >
> = {
  'a booked seat of nobody in the show': {
    becomes: 'seat_in_show_only',
    applies: () => true,
    mutate: (records) => ({
      ...records,
      show: {
        ...records.show!,
        claims: [...records.show!.claims, { bookingId: 'bx', seats: [11], booked: true, expiresAtMs: AT_MS }],
      },
    }),
  },
  'a row of nobody': {
    becomes: 'seat_in_rows_only',
    applies: () => true,
    mutate: (records) => ({ ...records, rows: [...records.rows, { seat: 11, seatId: 'A11', bookingId: 'bx' }] }),
  },
  'a row that is gone': {
    becomes: 'seat_row_missing',
    applies: hasBooked,
    mutate: (records) => ({ ...records, rows: records.rows.slice(1) }),
  },
  'a show that forgets a booking': {
    becomes: 'seat_not_in_show',
    applies: hasBooked,
    mutate: (records) => ({
      ...records,
      show: {
        ...records.show!,
        claims: records.show!.claims.filter(({ bookingId }) => bookingId !== seatedBy(records)),
      },
    }),
  },
  'a seat of two bookings': {
    becomes: 'seat_sold_twice',
    applies: hasBooked,
    mutate: (records) => ({
      ...records,
      bookings: [
        ...records.bookings,
        { id: 'bx', status: 'CONFIRMED', seats: [records.rows[0]!.seat!], changedAtMs: AT_MS, isPaidFor: false },
      ],
    }),
  },
  'a hold that outlives its booking': {
    becomes: 'hold_without_booking',
    applies: hasHold,
    mutate: (records) => ({
      ...records,
      bookings: mapped(records.bookings, holdOf(records), (each) => ({ ...each, status: 'EXPIRED' })),
    }),
  },
  'a hold past its time': {
    becomes: 'hold_without_booking',
    applies: hasHold,
    mutate: (records) => ({
      ...records,
      show: {
        ...records.show!,
        claims: records.show!.claims.map((claim) =>
          claim.bookingId === holdOf(records) ? { ...claim, expiresAtMs: AT_MS } : claim,
        ),
      },
    }),
  },
  'a map of readers that was tampered with': {
    becomes: 'seat_map_differs',
    applies: () => true,
    mutate: (records) => ({
      ...records,
      snapshot: { ...records.snapshot!, statuses: `${records.snapshot!.statuses.slice(0, -1)}x` },
    }),
  },
  'a map of readers that was left behind': {
    becomes: 'seat_map_differs',
    applies: () => true,
    mutate: (records) => ({ ...records, snapshot: { ...records.snapshot!, version: 6 } }),
  },
};

describe('seats', () => {
  test('no difference is found where all records agree', () => {
    fc.assert(fc.property(hall, (records) => expect(seatDifferences(records, BEFORE)).toEqual([])));
  });

  test.each(Object.entries(seatMutations))('%s is just that', (_, { becomes, applies, mutate }) => {
    fc.assert(
      fc.property(hall.filter(applies), (records) =>
        expect(seatDifferences(mutate(records), BEFORE).map(({ kind }) => kind)).toEqual([becomes]),
      ),
    );
  });

  test('of a show that has ended, only rows and bookings are compared', () => {
    fc.assert(
      fc.property(hall, (records) =>
        expect(seatDifferences({ ...records, show: null, snapshot: null }, BEFORE)).toEqual([]),
      ),
    );
  });

  test('a booking that may yet be confirmed keeps the seats that its show has for it', () => {
    fc.assert(
      fc.property(hall.filter(hasBooked), (records) => {
        const id = seatedBy(records);
        const paying = mapped(records.bookings, id, (each) => ({
          ...each,
          status: 'EXPIRED' as const,
          isPaidFor: true,
        }));
        const rows = records.rows.filter(({ bookingId }) => bookingId !== id);
        expect(seatDifferences({ ...records, bookings: paying, rows }, BEFORE)).toEqual([]);
      }),
    );
  });
});
