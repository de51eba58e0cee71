import { SaleAdmission } from '../../src/api/admission/sale-admission.ts';
import { createBatches } from '../../src/api/batches.ts';
import { BookingDesk, type BookingDeskDeps } from '../../src/api/bookings/booking-desk.ts';
import { SeatsSeenTaken } from '../../src/api/bookings/seats-seen-taken.ts';
import { SaleCatalogue } from '../../src/api/catalogue/sale-catalogue.ts';
import { ShowCommands } from '../../src/api/shows/show-commands.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { testTerms } from '../setup/shows.ts';
import type { TestSystem } from '../setup/system.ts';

/** As the API has it, but for what a test decides itself; it sees no seat maps. */
export function deskOf(
  { db, workflows: actors }: TestSystem,
  { workflows = actors, nowMs = Date.now, ...others }: Partial<BookingDeskDeps> = {},
): BookingDesk {
  const limits = { seatsPerBookingMax: 10, seatsPerBuyerMax: 0 };
  const catalogue = new SaleCatalogue(db, nowMs);
  return new BookingDesk({
    batches: createBatches(db),
    catalogue,
    shows: new ShowCommands(workflows, catalogue, limits, nowMs),
    workflows,
    admission: new SaleAdmission({ nowMs }),
    seatMaps: { glance: () => null },
    seen: new SeatsSeenTaken(),
    settings: { terms: testTerms, limits },
    nowMs,
    logger: createLogger('test'),
    metrics: { holdDecision: () => undefined },
    ...others,
  });
}
