import type { Endpoint } from './endpoint.ts';
import { accountEndpoints } from './endpoints/accounts.ts';
import { bookingEndpoints } from './endpoints/bookings.ts';
import { catalogueEndpoints } from './endpoints/catalogue.ts';
import { eventEndpoints } from './endpoints/events.ts';
import { paymentEndpoints } from './endpoints/payments.ts';
import { reconciliationEndpoints } from './endpoints/reconciliation.ts';
import { seatEndpoints } from './endpoints/seats.ts';
import { staffEndpoints } from './endpoints/staff.ts';
import { ticketEndpoints } from './endpoints/tickets.ts';

export const BASE_PATH = '/api/v1';
/** Larger bodies are refused. The largest that a buyer needs, a hundred seats by name, has 9 KB. */
export const BODY_LIMIT_BYTES = 256 * 1024;

/** Every call of the contract that exists, by operation. */
export const endpoints = {
  ...bookingEndpoints,
  ...seatEndpoints,
  ...catalogueEndpoints,
  ...accountEndpoints,
  ...paymentEndpoints,
  ...ticketEndpoints,
  ...eventEndpoints,
  ...staffEndpoints,
  ...reconciliationEndpoints,
};

export const everyEndpoint: readonly Endpoint[] = Object.values(endpoints);
