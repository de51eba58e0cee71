import fc from 'fast-check';
import { TOMBSTONE_TTL_MS } from '../../src/domain/ended-holds.ts';
import type { SaleRules, SeatCommand, SeatCommandResult } from '../../src/domain/seat-commands.ts';
import type { SeatLayout } from '../../src/domain/seat-layout.ts';
import { SeatMap } from '../../src/domain/seat-map.ts';
import { anyLayout, OPEN_MS, rules } from './layouts.ts';
import { NaiveSeatMap } from './naive-seat-map.ts';
import { blockReason, claimOf, claimsIn, wouldChange } from './seat-map-views.ts';

/** What may happen next; a command is made when its turn comes, knowing the time and what the booking has. */
type Step =
  | { readonly does: 'command'; readonly waitMs: number; command(now: number, own: readonly number[]): SeatCommand }
  | { readonly does: 'sweep' | 'restore'; readonly waitMs: number };

const bookingId = fc.constantFrom('b0', 'b1', 'b2', 'b3', 'b4');
const buyerId = fc.constantFrom('u0', 'u1');
const fingerprint = fc.constantFrom('f0', 'f0', 'f0', 'f1');
const reason = fc.constantFrom('broken', 'camera');
/** Short waits beside hold times of the same size, so that borders are met exactly; and sometimes a long one. */
const waitMs = fc.oneof(
  { weight: 60, arbitrary: fc.integer({ min: 0, max: 4 }) },
  { weight: 1, arbitrary: fc.constantFrom(TOMBSTONE_TTL_MS - 1, TOMBSTONE_TTL_MS) },
);

function anySeats(seatCount: number): fc.Arbitrary<number[]> {
  const seat = fc.nat(seatCount - 1);
  return fc.oneof(
    { weight: 3, arbitrary: fc.uniqueArray(seat, { minLength: 1, maxLength: 3 }) },
    {
      weight: 6,
      arbitrary: fc
        .tuple(seat, fc.integer({ min: 1, max: 4 }))
        .map(([first, count]) => Array.from({ length: Math.min(count, seatCount - first) }, (_, step) => first + step)),
    },
    { weight: 1, arbitrary: fc.array(fc.constantFrom(-1, 0, 1, 2, 1.5, NaN, seatCount), { maxLength: 6 }) },
  );
}

function anyCommand(seatCount: number): fc.Arbitrary<(now: number, own: readonly number[]) => SeatCommand> {
  const seats = anySeats(seatCount);
  /** Null: just the seats that the booking has. */
  const ownOrOthers = fc.option(seats, { freq: 2 });
  const bestAvailable = fc.record(
    {
      count: fc.constantFrom(1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 0),
      category: fc.constantFrom('A', 'A', 'A', 'B', 'B', 'C', 'D'),
      accessible: fc.boolean(),
    },
    { requiredKeys: ['count'] },
  );
  const pick = fc.oneof(
    seats.map((chosen) => ({ seats: chosen })),
    bestAvailable.map((best) => ({ bestAvailable: best })),
  );
  const orOwn = (chosen: number[] | null, own: readonly number[]) =>
    chosen ?? (own.length > 0 ? own.toReversed() : [0]);
  const insteadOf = fc.record({ bookingId, seats });
  const hold = fc
    .record(
      { bookingId, buyerId, fingerprint, pick, ttlMs: fc.integer({ min: 0, max: 40 }), insteadOf },
      { requiredKeys: ['bookingId', 'buyerId', 'fingerprint', 'pick', 'ttlMs'] },
    )
    .map((hold) => () => ({ kind: 'hold' as const, ...hold }));
  const swap = fc
    .record({ bookingId, chosen: ownOrOthers })
    .map(({ bookingId, chosen }) => (_: number, own: readonly number[]) => {
      return { kind: 'swap' as const, bookingId, seats: orOwn(chosen, own) };
    });
  const extend = fc
    .record({ bookingId, by: fc.integer({ min: -2, max: 30 }) })
    .map(({ bookingId, by }) => (now: number) => ({ kind: 'extend' as const, bookingId, expiresAtMs: now + by }));
  const confirm = fc
    .record({ bookingId, buyerId, chosen: ownOrOthers, reclaim: fc.boolean() })
    .map(({ chosen, ...confirm }) => (_: number, own: readonly number[]) => {
      return { kind: 'confirm' as const, ...confirm, seats: orOwn(chosen, own) };
    });
  const exchange = fc
    .record({ bookingId, fromBookingId: bookingId, buyerId, chosen: ownOrOthers, isBack: fc.boolean() })
    .map(({ chosen, isBack, ...exchange }) => (_: number, own: readonly number[]) => {
      const seats = orOwn(chosen, own);
      return { kind: 'exchange' as const, ...exchange, seats, ...(isBack && { back: true as const }) };
    });
  const release = bookingId.map((id) => () => ({ kind: 'release' as const, bookingId: id }));
  const giveBack = fc
    .record({ bookingId, seats }, { requiredKeys: ['bookingId'] })
    .map((back) => () => ({ kind: 'return' as const, ...back }));
  const block = fc.record({ seats, reason }).map((block) => () => ({ kind: 'block' as const, ...block }));
  const unblock = fc.record({ seats }).map((unblock) => () => ({ kind: 'unblock' as const, ...unblock }));
  return fc.oneof(
    { weight: 14, arbitrary: hold },
    { weight: 3, arbitrary: swap },
    { weight: 3, arbitrary: extend },
    { weight: 4, arbitrary: confirm },
    { weight: 3, arbitrary: exchange },
    { weight: 2, arbitrary: release },
    { weight: 2, arbitrary: giveBack },
    { weight: 1, arbitrary: block },
    { weight: 1, arbitrary: unblock },
  );
}

const anyStory = fc
  .tuple(anyLayout, fc.constantFrom(0, 4), fc.constantFrom(0, 0, 0, 20), fc.constantFrom(60, 1e9, 1e9))
  .chain(([layout, seatsPerBuyerMax, opensInMs, saleMs]) => {
    const step: fc.Arbitrary<Step> = fc.oneof(
      {
        weight: 20,
        arbitrary: fc.record({ does: fc.constant('command' as const), waitMs, command: anyCommand(layout.seatCount) }),
      },
      { weight: 1, arbitrary: fc.record({ does: fc.constantFrom('sweep' as const, 'restore' as const), waitMs }) },
    );
    return fc.record({
      layout: fc.constant(layout),
      rules: fc.constant(
        rules({
          seatsPerBuyerMax,
          seatsPerBookingMax: 4,
          salesOpenAtMs: OPEN_MS + opensInMs,
          salesCloseAtMs: OPEN_MS + opensInMs + saleMs,
        }),
      ),
      steps: fc.array(step, { maxLength: 60, size: 'max' }),
    });
  });

interface Told {
  readonly map: SeatMap;
  readonly model: NaiveSeatMap;
  readonly now: number;
  readonly command: SeatCommand;
  /** The snapshot before it. */
  readonly before: string;
  readonly answer: SeatCommandResult;
  readonly layout: SeatLayout;
  readonly rules: SaleRules;
}

/** Plays stories on map and model, and shows each command done to `check`. Waits are told by the story. */
function play(numRuns: number, check: (told: Told) => void): void {
  fc.assert(
    fc.property(anyStory, ({ layout, rules: ruled, steps }) => {
      let map = SeatMap.create(layout, ruled);
      const model = new NaiveSeatMap(layout, ruled);
      let now = OPEN_MS;
      for (const step of steps) {
        now += step.waitMs;
        if (step.does === 'restore') map = SeatMap.restore(layout, ruled, throughJson(map.snapshot(now)));
        if (step.does === 'sweep') expect(map.expireHolds(now)).toBe(model.expire(now));
        if (step.does !== 'command') continue;
        const named = step.command(now, []);
        const own = 'bookingId' in named ? (model.ticket(named.bookingId)?.seats ?? []) : [];
        const command = step.command(now, own);
        const before = JSON.stringify(map.snapshot(0));
        const expected = model.apply(command, now);
        const preview = map.preview([command], now);
        expect(JSON.stringify(map.snapshot(0))).toBe(before);
        const answer = map.apply(command, now);
        expect(answer).toEqual(expected);
        const isChanged = JSON.stringify(map.snapshot(0)) !== before;
        expect(preview).toEqual(isChanged ? null : [answer]);
        check({ map, model, now, command, before, answer, layout, rules: ruled });
      }
    }),
    { numRuns },
  );
}

const throughJson = <Data>(data: Data): Data => JSON.parse(JSON.stringify(data)) as Data;

describe('whatever happens in whatever order, across restores', () => {
  test('every answer is the one of a model that takes no trouble, and so is the map', () => {
    play(250, ({ map, model }) => {
      expect(map.statuses).toBe(model.statuses());
      expect(map.version).toBe(model.version);
      const reasons = Array.from(map.statuses, (_, seat) => blockReason(map, seat));
      expect(reasons).toEqual(reasons.map((_, seat) => model.blocked.get(seat) ?? null));
    });
  });

  test('no seat has two owners, and no held or booked seat has none', () => {
    play(40, ({ map }) => {
      const owned = claimsIn(map).flatMap(({ seats, booked }) => seats.map((seat) => [seat, booked ? 'b' : 'h']));
      const taken = Array.from(map.statuses, (status, seat) => [seat, status] as const);
      const expected = taken.filter(([, status]) => status === 'h' || status === 'b');
      expect(owned.sort((a, b) => Number(a[0]) - Number(b[0]))).toEqual(expected);
      // A hold has a fingerprint until it is booked.
      const holds = claimsIn(map).filter(({ booked }) => !booked);
      expect(map.snapshot(0).claims.fingerprints).toHaveLength(holds.length);
    });
  });

  test('counts are those of the statuses', () => {
    play(40, ({ map }) => {
      const count = (status: string) => map.statuses.split(status).length - 1;
      const { available, held, booked, blocked } = map.counts;
      expect([available, held, booked, blocked]).toEqual([count('a'), count('h'), count('b'), count('x')]);
    });
  });

  test('a refused command changes nothing', () => {
    play(40, ({ map, before, answer }) => {
      if (!answer.ok) expect(JSON.stringify(map.snapshot(0))).toBe(before);
    });
  });

  test('a command repeated at once has the same answer and changes nothing', () => {
    play(40, ({ map, command, now, answer }) => {
      const after = map.version;
      expect(wouldChange(map, command, now)).toBe(false);
      expect(map.apply(command, now)).toEqual(answer);
      expect(map.version).toBe(after);
    });
  });

  test('several seats are held, changed and confirmed all or none', () => {
    play(40, ({ map, command, answer }) => {
      if (!answer.ok || !('bookingId' in command)) return;
      const asked = 'pick' in command && 'seats' in command.pick ? command.pick.seats : undefined;
      const expected = command.kind === 'swap' || command.kind === 'confirm' ? command.seats : asked;
      if (expected === undefined) return;
      const claim = claimOf(map, command.bookingId);
      expect(claim?.seats).toEqual(answer.seats);
      if (command.kind !== 'hold') expect(answer.seats).toEqual(expected.toSorted((a, b) => a - b));
    });
  });

  test('a hold is never taken before its time by anybody else', () => {
    // Kept apart from map and model: what each booking was granted, until it changes or ends it itself.
    const granted = new WeakMap<NaiveSeatMap, Map<string, { seats: readonly number[]; expiresAtMs: number }>>();
    play(40, ({ map, model, now, command, answer }) => {
      const holds = granted.get(model) ?? new Map<string, { seats: readonly number[]; expiresAtMs: number }>();
      granted.set(model, holds);
      if (answer.ok && 'bookingId' in command && command.kind !== 'return') {
        if (answer.expiresAtMs === null) holds.delete(command.bookingId);
        else holds.set(command.bookingId, { seats: answer.seats, expiresAtMs: answer.expiresAtMs });
      }
      for (const [id, { seats, expiresAtMs }] of holds) {
        if (expiresAtMs > now) expect(claimOf(map, id)).toMatchObject({ seats, expiresAtMs, booked: false });
        else holds.delete(id);
      }
    });
  });

  test('a hold at its time is free for another at once', () => {
    play(40, ({ map, now }) => {
      const due = map.nextExpiryMs();
      if (due === null) return;
      const over = claimsIn(map).filter((claim) => !claim.booked && claim.expiresAtMs === due);
      expect(over.length).toBeGreaterThan(0);
      const at = Math.max(now, due);
      for (const { bookingId, seats } of over) {
        const block: SeatCommand = { kind: 'block', seats, reason: 'to see that it is free' };
        expect(wouldChange(map, block, at)).toBe(true);
        if (now < due) expect(map.preview([block], due - 1)?.[0]).toMatchObject({ refusal: 'SEAT_UNAVAILABLE' });
        expect(map.preview([{ kind: 'extend', bookingId, expiresAtMs: at + 1_000 }], at)?.[0]).toMatchObject({
          refusal: 'HOLD_EXPIRED',
        });
      }
    });
  });

  test('the next expiry is the earliest one of a hold', () => {
    play(40, ({ map }) => {
      const times = claimsIn(map)
        .filter((claim) => !claim.booked)
        .map((claim) => claim.expiresAtMs);
      expect(map.nextExpiryMs()).toBe(times.length > 0 ? Math.min(...times) : null);
    });
  });

  test('the changes since a version lead from its statuses to those of now, or are said to be unknown', () => {
    const seen = new WeakMap<NaiveSeatMap, Map<number, string>>();
    play(40, ({ map, model, layout }) => {
      const versions = seen.get(model) ?? new Map([[0, 'a'.repeat(layout.seatCount)]]);
      seen.set(model, versions.set(map.version, map.statuses));
      for (const [version, statuses] of versions) {
        const changes = map.changesSince(version);
        if (changes === null) continue;
        const advanced = [...statuses];
        for (const [seat, status] of changes) advanced[seat] = status;
        expect(advanced.join('')).toBe(map.statuses);
      }
      expect(map.changesSince(map.version)).toEqual([]);
    });
  });

  test('a snapshot of a restored map is the same snapshot', () => {
    play(40, ({ map, now, layout, rules: ruled }) => {
      const snapshot = throughJson(map.snapshot(now));
      expect(SeatMap.restore(layout, ruled, snapshot).snapshot(now)).toEqual(snapshot);
    });
  });

  test('a batch is previewed as it would be applied, one by one', () => {
    play(40, ({ map, now, command }) => {
      const losers: SeatCommand[] = [command, { kind: 'release', bookingId: 'nobody' }, command];
      const preview = map.preview(losers, now);
      expect(preview).toEqual(losers.map((each) => map.apply(each, now)));
      const winner: SeatCommand = { kind: 'unblock', seats: [0] };
      if (blockReason(map, 0) !== null) expect(map.preview([...losers, winner], now)).toBeNull();
    });
  });
});
