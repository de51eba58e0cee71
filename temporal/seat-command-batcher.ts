import { type WorkflowClient, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { SenderPlaces } from '../src/contracts/sender-places.ts';
import type { SeatMapProjector } from '../src/contracts/seat-map-projector.ts';
import {
  NOTHING_CHANGED_FAILURE,
  SEAT_COMMANDS_PER_BATCH_MAX,
  showMessages,
  type SeatChanges,
  type SeatCommandsAnswer,
  type SeatCommandsArgs,
  type SeatMapDelta,
} from '../src/contracts/show-messages.ts';
import {
  OutcomeUnknownError,
  ShowNotRunningError,
  WorkflowBusyError,
  WorkflowFailedError,
} from '../src/contracts/workflow-client.ts';
import { showWorkflowId } from '../src/contracts/workflow-ids.ts';
import type { SeatCommand, SeatCommandResult } from '../src/domain/seat-commands.ts';
import { LruMap } from '../src/platform/lru-map.ts';
import { untilAnswered } from './until-answered.ts';

/** Commands waiting for one show in this process; at 10,000 decisions a second they wait well under a second. */
const QUEUED_PER_SHOW_MAX = 8_192;
/** Who waits longer is told to repeat; longer than a worker's death takes to heal. */
const ANSWER_WITHIN_MS = 10_000;
/** One update's wait; past it the same update is sent again, which finds the first one's outcome. */
const UPDATE_TIMEOUT_MS = 5_000;
/**
 * An update that may have been sent and that nobody waits for any more still counts among those that Temporal takes of a
 * show at once: until it is answered, or so long, it is asked after instead of sending the next one.
 */
const ASKED_AFTER_MS = 60_000;
/** A show that continues as new is briefly between two runs. */
const NOT_RUNNING_RETRIES = 3;
const FULL_RETRY_AFTER_MS = 1_000;
/** As long as a batch of another process takes under load: its place may be free then. */
const ENTER_AGAIN_MS = 50;
/** What a batch takes while the machine has time for it, ms: as long as it is not slower, nobody waits for company. */
const QUICK_BATCH_MS = 20;
/**
 * The first of a batch waits for company: so many times what the show's last batch took too long. An update costs the same
 * for one command as for three (docs/decisions/0010).
 */
const TIMES_TOO_LONG = 6;
/** Commands that are company enough: a batch that begins with as many goes at once. */
const COMPANY = 16;
/** And no longer than this, ms, if nobody says otherwise: a third of what a hold may take when most of the machine is busy. */
const LINGER_MAX_MS = 80;
/** Shows whose last batch is remembered; one that is forgotten is taken to be quick. */
const SHOWS_REMEMBERED_MAX = 1_000;
/** So late may one that waits hear that its time is up. */
const LATE_LOOK_EVERY_MS = 250;

interface Waiting {
  readonly command: SeatCommand;
  /** By the clock that nobody sets. */
  readonly sinceMs: number;
  readonly deadlineMs: number;
  readonly resolve: (result: SeatCommandResult) => void;
  readonly reject: (error: Error) => void;
}

export interface BatchObserver {
  /** One update answered: how many commands it carried, and how long it took. */
  (batch: { readonly commands: number; readonly ms: number }): void;
}

export interface BatcherOptions {
  /** By default for a process that shares no show with more than nine others. */
  readonly places?: SenderPlaces;
  readonly observe?: BatchObserver;
  /** Projects what the batches of this process have changed; absent: the shows do it themselves. */
  readonly projector?: SeatMapProjector;
  /** Longest time that a command waits for company, ms. */
  readonly lingerMaxMs?: number;
}

/** For a process that shares no show with more than nine others. */
const unlimitedPlaces: SenderPlaces = { enter: () => true, leave: () => undefined };

/**
 * Smart batching of seat commands: one update in flight per show and process; what arrives meanwhile is the next one.
 * While the show is quick a command that comes alone goes at once. A process sends while it has a place in the show's line.
 * Commands are idempotent by state: a batch whose outcome is unknown is sent again as it was.
 */
export class SeatCommandBatcher {
  readonly #client: WorkflowClient;
  readonly #places: SenderPlaces;
  readonly #observe: BatchObserver;
  readonly #projector: SeatMapProjector | undefined;
  readonly #lingerMaxMs: number;
  readonly #lastTookMs = new LruMap<string, number>(SHOWS_REMEMBERED_MAX);
  /** Shows with an update in flight, or about to have one, and what waits for the next one. */
  readonly #queues = new Map<string, Waiting[]>();

  constructor(client: WorkflowClient, options: BatcherOptions = {}) {
    const { places = unlimitedPlaces, observe = () => undefined, lingerMaxMs = LINGER_MAX_MS } = options;
    this.#client = client;
    this.#places = places;
    this.#observe = observe;
    this.#projector = options.projector;
    this.#lingerMaxMs = lingerMaxMs;
  }

  /** @throws as `WorkflowClient.seatCommand` of the contracts */
  send(showId: string, command: SeatCommand): Promise<SeatCommandResult> {
    return new Promise((resolve, reject) => {
      const deadlineMs = Date.now() + ANSWER_WITHIN_MS;
      const waiting: Waiting = { command, sinceMs: performance.now(), deadlineMs, resolve, reject };
      const queue = this.#queues.get(showId);
      if (!queue) {
        const first = [waiting];
        this.#queues.set(showId, first);
        void this.#drain(showId, first);
      } else if (queue.length < QUEUED_PER_SHOW_MAX) {
        queue.push(waiting);
      } else {
        reject(new WorkflowBusyError(`too many commands wait for show ${showId}`, FULL_RETRY_AFTER_MS));
      }
    });
  }

  async #drain(showId: string, queue: Waiting[]): Promise<void> {
    const watch = setInterval(() => refuseLate(showId, queue), LATE_LOOK_EVERY_MS);
    // What arrives in the same tick goes into the same update.
    await Promise.resolve();
    while (queue.length > 0) {
      await this.#linger(showId, queue);
      if (!(await this.#places.enter(showId))) {
        await delay(ENTER_AGAIN_MS);
        continue;
      }
      refuseLate(showId, queue);
      const batch = queue.splice(0, SEAT_COMMANDS_PER_BATCH_MAX);
      const sentAtMs = performance.now();
      if (batch.length > 0) await this.#sendBatch(showId, batch);
      this.#places.leave(showId);
      this.#lastTookMs.set(showId, performance.now() - sentAtMs);
    }
    clearInterval(watch);
    this.#queues.delete(showId);
  }

  /** Nothing while the machine is idle; the busier it is the more comes together, without a wait past the limit. */
  async #linger(showId: string, queue: readonly Waiting[]): Promise<void> {
    if (queue.length >= COMPANY) return;
    const tooLongMs = Math.max((this.#lastTookMs.get(showId) ?? 0) - QUICK_BATCH_MS, 0);
    const leftMs = queue[0]!.sinceMs + Math.min(TIMES_TOO_LONG * tooLongMs, this.#lingerMaxMs) - performance.now();
    if (leftMs > 0) await delay(leftMs);
  }

  async #sendBatch(showId: string, batch: readonly Waiting[]): Promise<void> {
    const startedAtMs = Date.now();
    const watch = rejectWhoeverGivesUp(showId, batch);
    const update = this.#update(showId, batch);
    try {
      const answer = await this.#untilAnswered(update, Math.max(...batch.map(({ deadlineMs }) => deadlineMs)));
      const results = withSights(batch, answer);
      batch.forEach(({ resolve, reject }, position) => {
        const result = results[position];
        if (result) resolve(result);
        else reject(new WorkflowFailedError(`show ${showId} answered ${results.length} of ${batch.length} commands`));
      });
    } catch (error) {
      for (const { reject } of batch) reject(error as Error);
      if (error instanceof OutcomeUnknownError) await this.#askAfter(update);
    } finally {
      watch.stop();
    }
    this.#observe({ commands: batch.length, ms: Date.now() - startedAtMs });
  }

  /** One update, which may be sent any number of times. */
  #update(showId: string, batch: readonly Waiting[]): () => Promise<SeatCommandsAnswer> {
    const handle = this.#client.getHandle(showWorkflowId(showId));
    const commands = batch.map(({ command }) => command);
    const sender = this.#projector && { projectedVersion: this.#projector.projectedVersion(showId) };
    const args: SeatCommandsArgs = sender ? [commands, sender] : [commands];
    const options = { updateId: newUpdateId(), args };
    let notRunning = 0;
    return async () => {
      try {
        const answer = await handle.executeUpdate<SeatCommandsAnswer, SeatCommandsArgs>(
          showMessages.seatCommands,
          options,
        );
        this.#project(showId, answer);
        return answer;
      } catch (error) {
        const refused = changedNothing(error);
        if (refused) return refused;
        if (error instanceof WorkflowNotFoundError && ++notRunning > NOT_RUNNING_RETRIES) {
          throw new ShowNotRunningError(`show ${showId} has no running workflow`);
        }
        throw error;
      }
    };
  }

  #project(showId: string, { changed, version }: SeatCommandsAnswer): void {
    if (changed) this.#projector?.project(deltaOf(showId, version, changed));
  }

  #untilAnswered(update: () => Promise<SeatCommandsAnswer>, deadlineMs: number): Promise<SeatCommandsAnswer> {
    return untilAnswered(this.#client, update, {
      deadlineMs,
      tryTimeoutMs: UPDATE_TIMEOUT_MS,
      alsoTransient: (error) => error instanceof WorkflowNotFoundError,
    });
  }

  /** Whatever the answer, the update is not in flight any more. */
  async #askAfter(update: () => Promise<SeatCommandsAnswer>): Promise<void> {
    await this.#untilAnswered(update, Date.now() + ASKED_AFTER_MS).catch(() => undefined);
  }
}

/** Temporal keeps it with every update of a run, several times: 72 bits tell the few hundred of a run apart. */
const newUpdateId = (): string => randomBytes(9).toString('base64url');

const deltaOf = (showId: string, toVersion: number, { fromVersion, asOfMs, seats }: SeatChanges): SeatMapDelta => ({
  showId,
  fromVersion,
  toVersion,
  asOfMs,
  change: { seats: seats.flatMap(([status, those]) => those.map((seat) => [seat, status] as const)) },
});

/** Those that have waited too long hear that nothing was done. The queue stands in the order of their deadlines. */
function refuseLate(showId: string, queue: Waiting[]): void {
  const nowMs = Date.now();
  while (queue[0] && queue[0].deadlineMs <= nowMs) {
    queue.shift()!.reject(new WorkflowBusyError(`show ${showId} is busy`, FULL_RETRY_AFTER_MS));
  }
}

/**
 * Commands of one batch have come at different times, and each gives up at its own; the batch stays under way. The last
 * to give up hear why from the batch itself.
 */
function rejectWhoeverGivesUp(showId: string, batch: readonly Waiting[]): { stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  const lastMs = Math.max(...batch.map(({ deadlineMs }) => deadlineMs));
  const watch = (waiting: readonly Waiting[]): void => {
    if (waiting.length === 0) return;
    const firstMs = Math.min(...waiting.map(({ deadlineMs }) => deadlineMs));
    timer = setTimeout(() => {
      const nowMs = Date.now();
      for (const { deadlineMs, reject } of waiting) {
        if (deadlineMs <= nowMs) reject(new OutcomeUnknownError(`show ${showId} did not answer in time`));
      }
      watch(waiting.filter(({ deadlineMs }) => deadlineMs > nowMs));
    }, firstMs - Date.now());
  };
  watch(batch.filter(({ deadlineMs }) => deadlineMs < lastMs));
  return { stop: () => clearTimeout(timer) };
}

/**
 * The answer tells once who has a seat, however many have asked for it, and once how the map is. Only who has asked for a
 * hold has a use for that, and other refusals go into histories.
 */
function withSights(
  batch: readonly Waiting[],
  { results, takenBy = [], version, changed }: SeatCommandsAnswer,
): readonly SeatCommandResult[] {
  const holders = new Map(takenBy.map((holder) => [holder[0], holder]));
  const asOf = { version, ...(changed && { changed }) };
  return results.map((result, position) => {
    const isHold = batch[position]?.command.kind === 'hold';
    if (!isHold || result.ok || result.refusal !== 'SEAT_UNAVAILABLE') return result;
    const known = result.conflicts.flatMap(([seat]) => (holders.has(seat) ? [holders.get(seat)!] : []));
    return { ...result, ...(takenBy.length > 0 && { takenBy: known }), asOf };
  });
}

/** The validator refuses a batch that changes nothing, and tells every command's answer all the same. */
function changedNothing(error: unknown): SeatCommandsAnswer | null {
  if (!(error instanceof WorkflowUpdateFailedError)) return null;
  const { cause } = error;
  if (!(cause instanceof ApplicationFailure) || cause.type !== NOTHING_CHANGED_FAILURE) return null;
  return cause.details?.[0] as SeatCommandsAnswer;
}
