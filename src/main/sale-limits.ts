import type { SaleLimits } from '../contracts/show-start.ts';
import type { Settings } from '../platform/config.ts';

/** As the settings have them: the same in every process that may start a show's workflow. */
export const saleLimits = (settings: Pick<Settings, 'SEATS_PER_BOOKING_MAX' | 'SEATS_PER_BUYER_MAX'>): SaleLimits => ({
  seatsPerBookingMax: settings.SEATS_PER_BOOKING_MAX,
  seatsPerBuyerMax: settings.SEATS_PER_BUYER_MAX,
});
