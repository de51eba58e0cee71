import { z } from 'zod';
import { type DifferenceClass, differenceClasses } from '../../domain/reconciliation.ts';
import { reconciliationModes, reconciliationPhases, runStatuses } from '../reconciliation.ts';
import { moneySchema, orNull, pageOf, pageQuery, timestamp } from './primitives.ts';

/** Ten years: what a book-keeper has to show. */
export const WINDOW_DAYS_MAX = 3_660;
const DAY_MS = 24 * 60 * 60_000;

export const reconciliationRequest = z
  .strictObject({
    from: timestamp,
    to: timestamp,
    dryRun: z.boolean().default(false).meta({ description: 'Changes nothing; the report is its only effect' }),
    repair: z.boolean().default(false).meta({ description: 'Brings about what has one right answer' }),
  })
  .refine(({ from, to }) => !(Date.parse(from) >= Date.parse(to)), { path: ['to'], message: 'must be after from' })
  .refine(({ from, to }) => !(Date.parse(to) - Date.parse(from) > WINDOW_DAYS_MAX * DAY_MS), {
    path: ['from'],
    message: `must be within ${WINDOW_DAYS_MAX} days of to`,
  })
  .refine(({ dryRun, repair }) => !(dryRun && repair), { path: ['repair'], message: 'must not be with dryRun' })
  .meta({ id: 'ReconciliationRequest' });

const count = z.int().min(0);

export const reconciliationSchema = z
  .object({
    id: z.string(),
    from: timestamp,
    to: timestamp,
    mode: z.enum(reconciliationModes),
    startedBy: z.string(),
    status: z.enum(runStatuses),
    phase: z.enum(reconciliationPhases),
    doneUntil: orNull(timestamp).meta({ description: 'Of the window, as far as money goes' }),
    counts: z.object({
      bookings: count,
      movements: count.meta({ description: 'Of money, in the providers’ books' }),
      shows: count,
      found: count.meta({ description: 'Differences in this report' }),
      acted: count.meta({ description: 'Those of them that something was done about' }),
      ended: count.meta({ description: 'Differences, also of earlier runs, that are gone when looked at again' }),
    }),
    stoppedBecause: orNull(z.string()),
    startedAt: timestamp,
    endedAt: orNull(timestamp),
  })
  .meta({ id: 'Reconciliation' });

const kinds = Object.keys(differenceClasses) as [DifferenceClass, ...DifferenceClass[]];

export const reconciliationFindingSchema = z
  .object({
    class: z.enum(kinds),
    subject: z.string(),
    bookingId: orNull(z.string()),
    showId: orNull(z.string()),
    attemptId: orNull(z.string()),
    refundId: orNull(z.string()),
    seats: z.array(z.int()).meta({ description: 'Indices in the seating plan' }),
    due: orNull(moneySchema),
    found: orNull(moneySchema),
    detail: z.string(),
    done: orNull(z.string()).meta({ description: 'What this run has done about it' }),
    state: orNull(z.enum(['OPEN', 'REPAIRED', 'RESOLVED'])).meta({
      description: 'As it stands now, whatever run has settled it; null for what only dry runs have met',
    }),
    whatItIs: z.string(),
    whatToDo: z.string(),
  })
  .meta({ id: 'ReconciliationFinding' });

export const reconciliationFindingPage = pageOf(reconciliationFindingSchema).meta({ id: 'ReconciliationFindingPage' });
export const reconciliationFindingQuery = z.strictObject(pageQuery);

export type ReconciliationRequest = z.infer<typeof reconciliationRequest>;
export type ReconciliationBody = z.infer<typeof reconciliationSchema>;
export type ReconciliationFindingBody = z.infer<typeof reconciliationFindingSchema>;
export type ReconciliationFindingPageBody = z.infer<typeof reconciliationFindingPage>;
