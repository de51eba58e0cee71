import {
  ApplicationFailure,
  CancellationScope,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  isCancellation,
  patched,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { ShowActivities } from '../activities/show-activities.ts';
import {
  CHANGED_SEATS_MAX,
  NOTHING_CHANGED_FAILURE,
  ownerMark,
  type ProjectingSender,
  SEAT_COMMANDS_PER_BATCH_MAX,
  type SaleChange,
  type SaleChanged,
  type SeatChanges,
  type SeatCommandsAnswer,
  type SeatCommandsArgs,
  type SeatMapDelta,
  type SeatMapView,
  showMessages,
  type ShowWorkflowInput,
  UPDATES_PER_RUN_MAX,
} from '../src/contracts/show-messages.ts';
import {
  type SeatCommand,
  type SeatCommandResult,
  type SeatConflict,
  type SeatStatus,
  seatCommandKinds,
} from '../src/domain/seat-commands.ts';
import { SeatMap } from '../src/domain/seat-map.ts';

export const seatCommands = defineUpdate<SeatCommandsAnswer, SeatCommandsArgs>(showMessages.seatCommands);
export const changeSale = defineUpdate<SaleChanged, [SaleChange]>(showMessages.changeSale);
export const releaseSeats = defineSignal<[readonly string[]]>(showMessages.releaseSeats);
export const seatMap = defineQuery<SeatMapView>(showMessages.seatMap);

/**
 * A projection takes milliseconds and lingers to keep its pace; a worker that dies with one delays the read model by
 * this long.
 */
const { projectSeatMap } = proxyActivities<ShowActivities>({
  startToCloseTimeout: '2s',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '2s' },
});

/** A new run before the history has this many events: half of what an operator's tools still open quickly. */
const HISTORY_EVENTS_MAX = 5_000;
/** Of runs that were begun before there was a smaller limit. */
const UPDATES_PER_FORMER_RUN_MAX = 1_000;
/** A new run waits this long for the projection of the old one, and then without it: Postgres may be away. */
const LAST_PROJECTION_WAIT_MS = 1_000;
/**
 * Who has sent a batch projects what it changes in milliseconds. The show looks so often for what was there already when it
 * looked last: a change that is left behind waits for one to two of them.
 */
const LOOK_AFTER_SENDERS_EVERY = '1s';
/** The booking's own timer releases its hold; the show looks after what is left a moment later. */
const EXPIRY_GRACE_MS = 300;
/** So seldom does anybody hear of it; another one is begun then. */
const TRACE_TIMER = '365 days';

/**
 * The one owner of a show's seats: every hold, release and confirm is decided here, one batch after the other. All
 * rules are in SeatMap; this wraps it into messages, a timer and a projection.
 *
 * Who holds what is known here only, so cancelling this workflow has no effect: it takes a termination to lose it.
 */
export async function showWorkflow(input: ShowWorkflowInput): Promise<void> {
  const { carried, updatesMax = UPDATES_PER_FORMER_RUN_MAX } = input;
  const seats = carried
    ? SeatMap.restore(input.layout, input.rules, carried.seats)
    : SeatMap.create(input.layout, input.rules);
  let sale: Sale = { title: input.title, rules: input.rules, endsAtMs: input.endsAtMs, showVersion: input.showVersion };
  let updates = 0;
  // A new show's row is there already, at version 0 with every seat available.
  let projectedVersion = carried ? carried.projectedVersion : 0;
  /** Up to which the show itself has to project: all else is left to those who send the batches. */
  let ownVersion = seats.version;
  let projecting = false;
  let lookingAfterSenders = false;
  let leaving = false;
  let ended = false;
  let outgrown = false;
  let timerDueAtMs = Infinity;
  let asked = 0;
  let trace: CancellationScope | null = null;
  let traceLeftAt = 0;

  setHandler(
    seatCommands,
    (commands, sender) => {
      updates += 1;
      const nowMs = Date.now();
      const versionBefore = seats.version;
      const results = commands.map((command) => seats.apply(command, nowMs));
      const changed = sender && patched('senders-project') ? leftTo(sender, versionBefore) : null;
      afterChange(changed ? lookAfterSenders : projectAll);
      return { ...answerOf(results), ...(changed && { changed }) };
    },
    {
      validator: (commands: readonly SeatCommand[], _sender?: ProjectingSender) => {
        refuseMalformed(commands);
        const results = seats.preview(commands, Date.now());
        if (results === null) return;
        throw ApplicationFailure.create({
          type: NOTHING_CHANGED_FAILURE,
          message: 'No command of the batch changes the seat map',
          nonRetryable: true,
          details: [answerOf(results)],
        });
      },
    },
  );
  setHandler(changeSale, (change) => {
    updates += 1;
    sale = changedSale(sale, change);
    seats.sellBy(sale.rules);
    afterChange();
    return { bookingIds: seats.bookingIds };
  });
  setHandler(releaseSeats, (bookingIds) => {
    for (const bookingId of bookingIds) seats.apply({ kind: 'release', bookingId }, Date.now());
    afterChange();
  });
  setHandler(seatMap, () => ({ showId: input.showId, counts: seats.counts, ...seats.snapshot(Date.now()) }));

  function answerOf(results: readonly SeatCommandResult[]): SeatCommandsAnswer {
    const taken = new Set(results.flatMap((result) => conflictsOf(result).map(([seat]) => seat)));
    const takenBy = [...taken].flatMap((seat) => {
      const holder = seats.holderOf(seat);
      // Infinity is null in JSON.
      return holder ? [[seat, ownerMark(holder.bookingId), holder.untilMs] as const] : [];
    });
    return { results, version: seats.version, ...(takenBy.length > 0 && { takenBy }) };
  }

  /** @param tellReadModel sees to it that the read model hears of the change */
  function afterChange(tellReadModel: () => Promise<void> = projectAll): void {
    describe();
    lookAtHistory();
    void CancellationScope.nonCancellable(tellReadModel);
    void CancellationScope.nonCancellable(watchEarliestExpiry);
  }

  function projectAll(): Promise<void> {
    ownVersion = seats.version;
    return project();
  }

  function isBehind(version: number): boolean {
    return projectedVersion === null || projectedVersion < version;
  }

  /** At most one projection is in flight; it carries all that changed since the last one was acknowledged. */
  async function project(): Promise<void> {
    if (projecting || !isBehind(ownVersion)) return;
    projecting = true;
    while (!leaving && isBehind(ownVersion)) {
      asked += 1;
      const outcome = await projectSeatMap(delta());
      // The row is older than we were told: the next projection carries the whole map.
      projectedVersion = outcome.kind === 'gap' ? null : Math.max(outcome.version, projectedVersion ?? 0);
      lookAtHistory();
    }
    projecting = false;
    if (!leaving) leaveTrace();
  }

  /**
   * What the sender of a batch is to project; null where the show has to: it is much, the row lacks even more, or nobody will
   * be there to look after the sender. No row has a version that the show did not have before the batch.
   */
  function leftTo(sender: ProjectingSender, versionBefore: number): SeatChanges | null {
    if (projectedVersion === null || ended) return null;
    const told = sender.projectedVersion ?? 0;
    if (told <= versionBefore) projectedVersion = Math.max(projectedVersion, told);
    const changes = seats.changesSince(projectedVersion);
    if (changes === null || changes.length > CHANGED_SEATS_MAX) return null;
    return { fromVersion: projectedVersion, asOfMs: seats.changedAtMs, seats: seatsByStatus(changes) };
  }

  /** What senders have not projected, because they died or could not reach the database, the show does. */
  async function lookAfterSenders(): Promise<void> {
    if (lookingAfterSenders || !isBehind(seats.version)) return;
    lookingAfterSenders = true;
    while (!leaving && isBehind(seats.version)) {
      const { version } = seats;
      asked += 1;
      await sleep(LOOK_AFTER_SENDERS_EVERY, { summary: 'senders project' });
      if (isBehind(version)) await projectAll();
    }
    lookingAfterSenders = false;
    if (!leaving) leaveTrace();
  }

  function delta(): SeatMapDelta {
    const { version, changedAtMs } = seats;
    const changes = projectedVersion === null ? null : seats.changesSince(projectedVersion);
    const change: SeatMapDelta['change'] = changes === null ? { full: seats.statuses } : { seats: changes };
    return {
      showId: input.showId,
      fromVersion: projectedVersion ?? 0,
      toVersion: version,
      asOfMs: changedAtMs,
      change,
    };
  }

  /** One timer for the earliest expiry, never cancelled: by the time it fires its hold has usually gone. */
  async function watchEarliestExpiry(): Promise<void> {
    const earliest = seats.nextExpiryMs();
    if (earliest === null || earliest + EXPIRY_GRACE_MS >= timerDueAtMs) return;
    const dueAtMs = earliest + EXPIRY_GRACE_MS;
    timerDueAtMs = dueAtMs;
    asked += 1;
    await sleep(Math.max(dueAtMs - Date.now(), 1), { summary: 'earliest hold expiry' });
    if (timerDueAtMs === dueAtMs) timerDueAtMs = Infinity;
    const askedBefore = asked;
    const expired = seats.expireHolds(Date.now());
    // Where nothing has expired nothing is the show's own, and what is left to senders stays theirs.
    afterChange(expired > 0 ? projectAll : project);
    if (asked === askedBefore) leaveTrace();
  }

  /**
   * For a task in which a timer or a projection has ended and nothing is to be done: it asks for a timer that nobody waits
   * for, or takes it back. A task that asks for nothing leaves no trace of itself, and the SDK takes it together with the
   * update that comes next, or apart from it, depending on what it has of the history just then
   * (https://github.com/temporalio/sdk-rust/issues/1146). The show would ask for things in another order each time, and
   * stand still.
   */
  function leaveTrace(): void {
    const task = workflowInfo().historyLength;
    // Asked for and taken back in one task would be nothing again.
    if (traceLeftAt === task || !patched('every-task-leaves-a-trace')) return;
    traceLeftAt = task;
    if (trace) {
      trace.cancel();
      trace = null;
      return;
    }
    trace = new CancellationScope({ cancellable: true });
    trace
      .run(() => sleep(TRACE_TIMER, { summary: 'nothing to do' }))
      .then(() => {
        trace = null;
        leaveTrace();
      })
      .catch(unlessCancelled);
  }

  function describe(): void {
    const { available, held, booked, blocked } = seats.counts;
    const { title, rules } = sale;
    setCurrentDetails(
      `**${title}** — version ${seats.version}\n\n` +
        `available ${available} · held ${held} · booked ${booked} · blocked ${blocked}` +
        (rules.closed ? `\n\n**sale closed**: ${rules.closed.reason}` : ''),
    );
  }

  /**
   * Only where something has happened that the history tells. A condition that looked by itself would also look in the
   * task of a refused batch, of which the history tells nothing: a replay would not know why this run was left there.
   */
  function lookAtHistory(): void {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    outgrown ||= continueAsNewSuggested || historyLength > HISTORY_EVENTS_MAX || updates >= updatesMax;
  }

  /** Waits for the end, whenever it is by then, or for the time to go on in a new run. */
  async function hasEnded(): Promise<boolean> {
    for (;;) {
      const { endsAtMs } = sale;
      const lifeMs = endsAtMs - Date.now();
      if (lifeMs <= 0 || !(await condition(() => outgrown || sale.endsAtMs !== endsAtMs, lifeMs))) return true;
      if (outgrown) return false;
    }
  }

  // What the run before has left. An update may have come with the first task: what it has changed may be its sender's.
  afterChange(project);
  await CancellationScope.nonCancellable(async () => {
    ended = await hasEnded();
    leaving = !ended;
    if (ended) void projectAll();
    const isProjected = () => !projecting;
    await (ended ? condition(isProjected) : condition(isProjected, LAST_PROJECTION_WAIT_MS));
    await condition(allHandlersFinished);
    if (ended) return;
    await continueAsNew<typeof showWorkflow>({
      ...input,
      ...sale,
      updatesMax: UPDATES_PER_RUN_MAX,
      carried: { seats: seats.snapshot(Date.now()), projectedVersion },
    });
  });
}

function unlessCancelled(error: unknown): void {
  if (!isCancellation(error)) throw error;
}

/** What staff may change of a show that is on sale. */
type Sale = Pick<ShowWorkflowInput, 'title' | 'rules' | 'endsAtMs' | 'showVersion'>;

/** A sale that is closed stays closed. */
function changedSale(sale: Sale, { showVersion, title, endsAtMs, ...times }: SaleChange): Sale {
  if (showVersion <= (sale.showVersion ?? 1)) return sale;
  const { salesOpenAtMs, salesCloseAtMs, closed } = sale.rules;
  return {
    title: title ?? sale.title,
    endsAtMs: endsAtMs ?? sale.endsAtMs,
    rules: { ...sale.rules, salesOpenAtMs, salesCloseAtMs, ...times, ...(closed && { closed }) },
    showVersion,
  };
}

function seatsByStatus(changes: readonly (readonly [seat: number, status: SeatStatus])[]): SeatChanges['seats'] {
  const byStatus = new Map<SeatStatus, number[]>();
  for (const [seat, status] of changes) {
    const seats = byStatus.get(status);
    if (seats) seats.push(seat);
    else byStatus.set(status, [seat]);
  }
  return [...byStatus];
}

const conflictsOf = (result: SeatCommandResult): readonly SeatConflict[] =>
  !result.ok && result.refusal === 'SEAT_UNAVAILABLE' ? result.conflicts : [];

/** What this version can't read must not reach the handler: a task that fails there is tried for ever. */
function refuseMalformed(commands: readonly SeatCommand[]): void {
  const unknown = commands.find(({ kind }) => !seatCommandKinds.includes(kind));
  if (unknown) throw refusedBatch(`This version of the show knows no command ${unknown.kind}`);
  if (commands.length === 0 || commands.length > SEAT_COMMANDS_PER_BATCH_MAX) {
    throw refusedBatch(`A batch has 1 to ${SEAT_COMMANDS_PER_BATCH_MAX} commands, this one ${commands.length}`);
  }
}

const refusedBatch = (message: string): ApplicationFailure =>
  ApplicationFailure.create({ type: 'MalformedBatch', message, nonRetryable: true });
