/** One place of the source that is made wrong; `find` occurs in the file exactly once. */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** The test that is to notice: run alone, on the copy of the tree that has the mistake. */
export interface NamedTest {
  readonly file: string;
  /** Part of its name. */
  readonly name: string;
}

/** A mistake that somebody could make, and that would break a promise. */
export interface Mutant {
  readonly name: string;
  /** Number of the promise in docs/reliability.md. */
  readonly promise: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;
  readonly edits: readonly Edit[];
  readonly test: NamedTest;
  /** Clients of a chaos run meet it often enough: their history, or the audit, is to show it too. */
  readonly isSeenByClients: boolean;
}

const test = (file: string, name: string): NamedTest => ({ file: `test/${file}.test.ts`, name });

const desk = 'src/api/bookings/booking-desk.ts';
const seatMap = 'src/domain/seat-map.ts';
const booking = 'workflows/booking-actor.ts';
const simulator = 'src/gateways/simulator-gateway.ts';

const nobodysConflict: Edit = {
  file: seatMap,
  find: '.filter((seat) => occupancy.codes[seat] !== AVAILABLE)',
  replace: '.filter((seat) => occupancy.codes[seat] === BLOCKED)',
};

export const mutants: readonly Mutant[] = [
  {
    name: 'a show grants seats that somebody has, and the row of a seat may be there twice',
    promise: 1,
    edits: [
      nobodysConflict,
      {
        file: 'src/read-model/migrations/0001-first-schema.ts',
        find: 'constraint one_booking_per_seat primary key (show_id, seat_id)',
        replace: 'constraint one_booking_per_seat primary key (show_id, seat_id, booking_id)',
      },
    ],
    test: test('workflows/show', 'of a hundred buyers who want one seat has one winner'),
    isSeenByClients: true,
  },
  {
    name: 'money that comes late takes its seats without a look at whose they are',
    promise: 1,
    edits: [
      {
        file: seatMap,
        find: 'isLive(live, nowMs) ? live.seats : []);\n    const conflicts = conflictsOf(seats, occupancy);',
        replace:
          'isLive(live, nowMs) ? live.seats : []);\n    const conflicts = conflictsOf(seats, occupancy).slice(seats.length);',
      },
    ],
    test: test('workflows/late-money', 'goes back when another buyer has one of the seats'),
    isSeenByClients: true,
  },
  {
    name: 'a payment is answered before the booking is recorded',
    promise: 2,
    edits: [
      {
        file: 'activities/purchase-activities.ts',
        find: "recorded: await unlessItFails('recordConfirmed', recordConfirmed(paid, attempt)) }",
        replace:
          "recorded: (void unlessItFails('recordConfirmed', recordConfirmed(paid, attempt)), { kind: 'recorded', bookingNumber: `BMS${request.attemptId}` }) as const }",
      },
    ],
    test: test('workflows/purchase', 'charges, confirms and records what the workflow would record'),
    isSeenByClients: true,
  },
  {
    name: 'a connection on which Postgres has not answered is used again',
    promise: 2,
    edits: [
      {
        file: 'src/read-model/prepared-statements.ts',
        find: 'if (!(error instanceof pg.DatabaseError)) this.end()',
        replace: 'if (error === null) this.end()',
      },
    ],
    test: test('read-model/database', 'takes no connection again on which Postgres has not answered'),
    isSeenByClients: false,
  },
  {
    name: 'a hold is answered before its workflow is there',
    promise: 2,
    edits: [
      {
        file: desk,
        find: 'const started = await admission.start(booking.showId, () =>\n      workflows.startBooking({ booking, terms: settings.terms }),\n    );',
        replace:
          "const started: string = 'started';\n    void admission.start(booking.showId, () => workflows.startBooking({ booking, terms: settings.terms })).catch(() => undefined);",
      },
    ],
    test: test('api/idempotency', 'used for two shows at once: one booking, and the other show keeps its seats'),
    isSeenByClients: false,
  },
  {
    name: 'what was done is not undone where a paid booking cannot be had',
    promise: 3,
    edits: [
      {
        file: booking,
        find: 'await Promise.all(undo.map((undoStep) => undoStep(reason)));',
        replace: 'void undo;',
      },
    ],
    test: test('workflows/payment-outcomes', 'in the end money and seats agree'),
    isSeenByClients: false,
  },
  {
    name: 'a charge that is asked for again is another charge',
    promise: 3,
    edits: [
      {
        file: simulator,
        find: 'idempotencyKey: attemptId,\n          body: { bookingId',
        replace: 'idempotencyKey: `${attemptId}-${Date.now()}`,\n          body: { bookingId',
      },
    ],
    test: test('gateways/simulator-gateway', 'finds what became of a charge whose answer was lost'),
    isSeenByClients: true,
  },
  {
    name: 'a refund that is asked for again is another refund',
    promise: 3,
    edits: [
      {
        file: simulator,
        find: 'idempotencyKey: refundId,',
        replace: 'idempotencyKey: `${refundId}-${Date.now()}`,',
      },
    ],
    test: test('gateways/simulator-gateway', 'called again and again'),
    isSeenByClients: true,
  },
  {
    name: 'a payment does not secure its hold',
    promise: 3,
    edits: [
      {
        file: 'activities/purchase-activities.ts',
        find: 'booking.expiresAtMs < toSecure.untilMs',
        replace: 'booking.expiresAtMs < 0',
      },
    ],
    test: test('workflows/booking', 'keeps its seats while it is being paid, however short its hold'),
    isSeenByClients: false,
  },
  {
    name: 'a repeated request makes another booking',
    promise: 4,
    edits: [
      {
        file: desk,
        find: "derivedId('bkg', userId, 'POST /bookings', key);",
        replace: "derivedId('bkg', userId, 'POST /bookings', key, String(process.hrtime.bigint()));",
      },
    ],
    test: test('api/idempotency', 'sent many times at once, to several processes: one hold, one row, one answer'),
    isSeenByClients: true,
  },
  {
    name: 'another body under the same key is not noticed',
    promise: 4,
    edits: [
      {
        file: desk,
        find: 'if (booking.fingerprint !== fingerprint) throw keyReused();',
        replace: 'void fingerprint;',
      },
    ],
    test: test('api/idempotency', 'with another body is refused, even while the first is running'),
    isSeenByClients: false,
  },
  {
    name: 'a hold that has ended is forgotten at once: its late repeat wins the seats anew',
    promise: 4,
    edits: [
      {
        file: seatMap,
        find: 'this.#claims.get(bookingId) ?? this.#ended.find(bookingId, nowMs);\n    if (known !== undefined) return { answer: repeatedHold',
        replace: 'this.#claims.get(bookingId);\n    if (known !== undefined) return { answer: repeatedHold',
      },
    ],
    test: test('workflows/show', 'past its time is gone for its owner: a late repeat does not win the seats anew'),
    isSeenByClients: false,
  },
  {
    name: 'nobody looks whether the time of a hold is over',
    promise: 5,
    edits: [
      {
        file: 'src/domain/claim.ts',
        find: '!claim.booked && claim.expiresAtMs > nowMs;',
        replace: '!claim.booked && nowMs > 0;',
      },
    ],
    test: test('domain/seat-map', 'can be neither confirmed, nor extended, nor changed, swept or not'),
    isSeenByClients: false,
  },
  {
    name: 'a hold is over for others a second before its time',
    promise: 5,
    edits: [
      {
        file: seatMap,
        find: 'const claims = this.#expiries.due(nowMs);',
        replace: 'const claims = this.#expiries.due(nowMs + 1_000);',
      },
      {
        file: seatMap,
        find: 'if ((this.nextExpiryMs() ?? Infinity) > nowMs) return null;',
        replace: 'if ((this.nextExpiryMs() ?? Infinity) > nowMs + 1_000) return null;',
      },
    ],
    test: test('domain/seat-map', 'is free for another at that very instant, not a millisecond before'),
    isSeenByClients: true,
  },
  {
    name: 'an extension is told to the buyer, and not to the show',
    promise: 5,
    edits: [
      {
        file: booking,
        find: 'const result = await this.#extendHold(expiresAtMs);\n      if (!result.ok) return this.#refused(',
        replace:
          "const result = { ok: true, refusal: 'HOLD_EXPIRED' } as { ok: boolean; refusal: string };\n      if (!result.ok) return this.#refused(",
      },
    ],
    test: test('workflows/booking', 'that was extended lives until its later time, and ends then'),
    isSeenByClients: true,
  },
  {
    name: 'a hold without a booking is never released',
    promise: 5,
    edits: [
      {
        file: 'workflows/show.ts',
        find: 'if (earliest === null || earliest + EXPIRY_GRACE_MS >= timerDueAtMs) return;',
        replace: 'if (earliest === null || earliest > 0) return;',
      },
    ],
    test: test('workflows/show', 'whose booking never came to be (the API died in between)'),
    isSeenByClients: false,
  },
  {
    name: 'some of the seats are enough',
    promise: 6,
    edits: [
      {
        file: seatMap,
        find: 'if (conflicts.length > 0) return { ok: false',
        replace: 'if (conflicts.length === seats.length) return { ok: false',
      },
    ],
    test: test('domain/seat-map', 'of taken seats is refused with every conflict and its status, and takes none'),
    isSeenByClients: true,
  },
  {
    name: 'old seats of an exchange go on sale while new ones may yet be refused',
    promise: 6,
    edits: [
      {
        file: 'workflows/exchange.ts',
        find: 'const seats = await this.#takeNew();',
        replace:
          "await step('returnSeats', { showId: this.#from.showId, bookingId: this.#from.id });\n    const seats = await this.#takeNew();",
      },
    ],
    test: test('api/exchange', 'one card after the other'),
    isSeenByClients: true,
  },
  {
    name: 'a reader who has seen more than this process gets the older map',
    promise: 7,
    edits: [
      {
        file: 'src/live/seat-map-cache.ts',
        find: 'watched.map.version < seenVersion && loads',
        replace: 'watched.map.version < Math.min(seenVersion, 0) && loads',
      },
    ],
    test: test('live/seat-map-cache', 'a reader who has seen a newer map elsewhere is not shown an older one'),
    isSeenByClients: true,
  },
  {
    name: 'a watcher is told what has changed since a version that only another process has had',
    promise: 7,
    edits: [
      {
        file: 'src/live/seat-changes.ts',
        find: '!this.#versions.includes(version)',
        replace: 'version < this.#versions[0]!',
      },
    ],
    test: test('live/seat-changes', 'whoever changes from one process to another'),
    isSeenByClients: false,
  },
  {
    name: 'an older projection overwrites a newer one',
    promise: 7,
    edits: [
      {
        file: 'src/read-model/seat-maps.ts',
        find: ".where('version', '=', current.version)",
        replace: ".where('version', '>=', 0)",
      },
    ],
    test: test('read-model/seat-maps', 'leaves what a newer one has written'),
    isSeenByClients: false,
  },
  {
    name: 'nobody looks after what senders have not projected',
    promise: 7,
    edits: [
      {
        file: 'workflows/show.ts',
        find: 'if (isBehind(version)) await projectAll();',
        replace: 'if (isBehind(version)) leaveTrace();',
      },
    ],
    test: test('workflows/seat-map-projection', 'what one of them leaves behind'),
    isSeenByClients: false,
  },
  {
    name: 'money that a booking was told of as it ended is told of no more',
    promise: 8,
    edits: [
      {
        file: 'activities/sweep-activities.ts',
        find: '`sweep-${attempt.id}-${booking.version}`',
        replace: '`sweep-${attempt.id}`',
      },
    ],
    test: test('workflows/late-money', 'and was told of while its booking ended'),
    isSeenByClients: false,
  },
  {
    name: 'a payment whose outcome nobody knows is never looked for again',
    promise: 8,
    edits: [
      {
        file: booking,
        find: 'await this.#settleLater(attemptId, this.#attempt(attemptId).amount);\n    return this.#pending',
        replace: 'return this.#pending',
      },
      {
        file: 'activities/sweep-activities.ts',
        find: 'await tell(attempt, outcome);\n        return true;',
        replace: 'return tell === null;',
      },
    ],
    test: test('workflows/late-money', 'after it was charged, buys the seats that are still held'),
    isSeenByClients: true,
  },
  {
    name: 'a workflow asks for something else than its history has, unguarded',
    promise: 9,
    edits: [
      {
        file: 'workflows/refund.ts',
        find: "patched('refunds-go-on-from-the-record')",
        replace: "patched('refunds-go-on-from-the-record') || true",
      },
    ],
    test: test('workflows/replay', 'replays the history'),
    isSeenByClients: false,
  },
  {
    name: 'a booking decides by the clock of a task that may be lost',
    promise: 9,
    edits: [
      {
        file: 'temporal/workflow-client.ts',
        find: "firstTry: 'purchase', readsNoClock: true",
        replace: "firstTry: 'purchase'",
      },
    ],
    test: test('workflows/lost-tasks', 'is replayed as it was done'),
    isSeenByClients: false,
  },
  {
    name: "a booking goes on with a slow step's answer before what has come meanwhile",
    promise: 9,
    edits: [
      {
        file: 'temporal/workflow-client.ts',
        find: 'readsNoClock: true, localActivitiesComeLast: true',
        replace: 'readsNoClock: true',
      },
    ],
    test: test('workflows/slow-steps', 'answered before them in a replay'),
    isSeenByClients: false,
  },
  {
    name: 'a task of a show with nothing to do leaves no trace',
    promise: 8,
    edits: [
      {
        file: 'workflows/show.ts',
        find: "if (traceLeftAt === task || !patched('every-task-leaves-a-trace')) return;",
        replace: 'if (traceLeftAt <= task) return;',
      },
    ],
    test: test('workflows/show-replayed', 'goes on, whoever replays it'),
    isSeenByClients: false,
  },
  {
    name: 'the signature of a webhook is not looked at',
    promise: 10,
    edits: [
      {
        file: 'src/gateways/simulator-webhook.ts',
        find: "if (!timingSafeEqual(expected, Buffer.from(mac, 'hex')))",
        replace: "if (!timingSafeEqual(expected, Buffer.from(expected)) || mac === '')",
      },
    ],
    test: test('gateways/simulator-webhook', 'covers the raw body to the last byte, and the secret'),
    isSeenByClients: true,
  },
];

/** @throws Error: none has this in its name, or several have */
export function mutantNamed(part: string): Mutant {
  const found = mutants.filter(({ name }) => name.includes(part));
  if (found.length === 1) return found[0]!;
  const which = found.length === 0 ? mutants : found;
  throw new Error(
    `${found.length} mutants are called so: ${part}; which of\n${which.map(({ name }) => `  ${name}`).join('\n')}`,
  );
}
