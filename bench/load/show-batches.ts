import { randomUUID } from 'node:crypto';
import { type Client, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import {
  NOTHING_CHANGED_FAILURE,
  SEAT_COMMANDS_PER_BATCH_MAX,
  type SeatCommandsAnswer,
  showMessages,
} from '../../src/contracts/show-messages.ts';
import { showWorkflowId } from '../../src/contracts/workflow-ids.ts';
import type { SeatCommand, SeatCommandResult } from '../../src/domain/seat-commands.ts';
import { connectClient, type TemporalAddress } from '../../temporal/connection.ts';
import type { Stopwatch } from './stopwatch.ts';

/** Full batches of holds sent to one show's workflow through the Temporal client. */
export interface ShowBatchesJob {
  readonly kind: 'show batches';
  readonly temporal: TemporalAddress;
  readonly showId: string;
  readonly seats: number;
  /** Updates in flight; Temporal takes ten. */
  readonly inFlight: number;
  readonly warmUpMs: number;
  readonly measuredMs: number;
}

export interface ShowBatchesOutcome {
  /** Within what was measured. */
  readonly decisions: number;
  readonly updatesMs: readonly number[];
  /** Of all: which booking was granted which seats. */
  readonly granted: readonly { readonly bookingId: string; readonly seats: readonly number[] }[];
}

const HOLD_TTL_MS = 600_000;

export async function showBatches(job: ShowBatchesJob, stopwatch: Stopwatch): Promise<ShowBatchesOutcome> {
  const { inFlight, warmUpMs, measuredMs } = job;
  const client = await connectClient(job.temporal);
  const granted: { bookingId: string; seats: readonly number[] }[] = [];
  const updatesMs: number[] = [];
  stopwatch.set(warmUpMs);
  const timer = setTimeout(() => stopwatch.stop(), warmUpMs + measuredMs);
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      for (let sentMs = stopwatch.nowMs(); sentMs < measuredMs; sentMs = stopwatch.nowMs()) {
        const batch = Array.from({ length: SEAT_COMMANDS_PER_BATCH_MAX }, () => holdOfTwo(job.seats));
        const results = await send(client, job.showId, batch);
        results.forEach((result, index) => {
          if (result.ok) granted.push({ bookingId: batch[index]!.bookingId, seats: result.seats });
        });
        const nowMs = stopwatch.nowMs();
        if (sentMs >= 0 && nowMs < measuredMs) updatesMs.push(nowMs - sentMs);
      }
    }),
  );
  clearTimeout(timer);
  stopwatch.stop();
  await client.connection.close();
  return { decisions: updatesMs.length * SEAT_COMMANDS_PER_BATCH_MAX, updatesMs, granted };
}

type Hold = Extract<SeatCommand, { kind: 'hold' }>;

function holdOfTwo(seats: number): Hold {
  const first = Math.floor(Math.random() * seats);
  const second = (first + 1 + Math.floor(Math.random() * (seats - 1))) % seats;
  const bookingId = `bkg_${randomUUID()}`;
  const pick = { seats: [first, second] };
  return { kind: 'hold', bookingId, fingerprint: bookingId, buyerId: bookingId, ttlMs: HOLD_TTL_MS, pick };
}

/** A batch in which every hold loses is refused by the validator, which tells the answers all the same. */
async function send(client: Client, showId: string, batch: readonly Hold[]): Promise<readonly SeatCommandResult[]> {
  const handle = client.workflow.getHandle(showWorkflowId(showId));
  try {
    const answer = await handle.executeUpdate<SeatCommandsAnswer, [readonly SeatCommand[]]>(showMessages.seatCommands, {
      args: [batch],
    });
    return answer.results;
  } catch (error) {
    const cause = error instanceof WorkflowUpdateFailedError ? error.cause : undefined;
    if (!(cause instanceof ApplicationFailure) || cause.type !== NOTHING_CHANGED_FAILURE) throw error;
    return (cause.details![0] as SeatCommandsAnswer).results;
  }
}
