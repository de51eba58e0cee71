import type { Role } from '../../src/contracts/http/accounts.ts';
import type { endpoints } from '../../src/contracts/http/endpoints.ts';

/** Whom the matrix tells apart. `owner` is the user whose object an operation is about, `otherUser` another one. */
export const callers = ['anonymous', 'otherUser', 'theatre_owner', 'support', 'admin', 'owner'] as const;
export type Caller = (typeof callers)[number];

/** `in`: past every question of who calls. Otherwise the status that keeps the caller out. */
export type Access = 'in' | 401 | 403 | 404;
type Row = Readonly<Record<Caller, Access>>;

const row = (anonymous: Access, user: Access, theatre_owner: Access, support: Access, admin: Access): Row => ({
  anonymous,
  otherUser: user,
  theatre_owner,
  support,
  admin,
  owner: user,
});

const anyone = row('in', 'in', 'in', 'in', 'in');
const signedIn = row(401, 'in', 'in', 'in', 'in');
/** Somebody else's object is not found, by staff neither. */
const ownerOnly: Row = { ...row(401, 404, 404, 404, 404), owner: 'in' };
/** Staff by a token of the operator's has no account. */
const withAccount = row(401, 'in', 404, 404, 404);
const venueStaff = row(401, 403, 'in', 403, 'in');
const doorStaff = row(401, 403, 'in', 'in', 'in');
const adminOnly = row(401, 403, 403, 403, 'in');

/**
 * Who may call what, written down a second time and by hand: what `endpoints.ts` says is held against it. An operation that
 * is missing here does not compile, and fails the suite.
 */
export const accessMatrix: Readonly<Record<keyof typeof endpoints, Row>> = {
  listCities: anyone,
  listTheatres: anyone,
  getTheatre: anyone,
  listMovies: anyone,
  getMovie: anyone,
  listShows: anyone,
  getShow: anyone,
  getSeatingPlan: anyone,
  getSeatMap: anyone,
  streamSeatMap: anyone,
  createGuest: anyone,
  // What opens an account is in the body, and was sent by mail.
  claimAccount: anyone,
  createQuote: anyone,
  // Who may speak for a payment provider is told by the signature alone.
  receiveWebhook: anyone,

  getMe: withAccount,
  changeMe: withAccount,
  createBooking: signedIn,
  listBookings: signedIn,

  getBooking: ownerOnly,
  quoteCancellation: ownerOnly,
  getPayment: ownerOnly,
  getTicket: ownerOnly,
  changeSeats: ownerOnly,
  extendBooking: ownerOnly,
  payBooking: ownerOnly,
  releaseBooking: ownerOnly,
  cancelSeats: ownerOnly,
  exchangeBooking: ownerOnly,
  transferBooking: ownerOnly,

  verifyTicket: doorStaff,

  importSeatingPlan: venueStaff,
  createTheatre: venueStaff,
  createScreen: venueStaff,
  createMovie: venueStaff,
  createShow: venueStaff,
  blockSeats: venueStaff,
  unblockSeats: venueStaff,

  changeTheatre: adminOnly,
  changeShow: adminOnly,
  cancelShow: adminOnly,
  // Only once there is a cancellation to tell of: after the row above.
  getShowCancellation: venueStaff,
  listParkedDeliveries: adminOnly,
  // There is none: who is in is told so.
  resendParkedDelivery: { ...adminOnly, admin: 404 },
  createWebhookEndpoint: adminOnly,
  listWebhookEndpoints: adminOnly,
  changeWebhookEndpoint: adminOnly,
  testWebhookEndpoint: adminOnly,
  deleteWebhookEndpoint: adminOnly,
  startReconciliation: adminOnly,
  getReconciliation: adminOnly,
  listReconciliationFindings: adminOnly,
};

/** Roles of the callers that have a token. */
export const roleOf: Readonly<Record<Exclude<Caller, 'anonymous'>, Role>> = {
  owner: 'guest',
  otherUser: 'customer',
  theatre_owner: 'theatre_owner',
  support: 'support',
  admin: 'admin',
};
