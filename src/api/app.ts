import type { RequestListener } from 'node:http';
import express, { type ErrorRequestHandler, type Express, type RequestHandler, Router } from 'express';
import type { Endpoint } from '../contracts/http/endpoint.ts';
import { BASE_PATH, endpoints } from '../contracts/http/endpoints.ts';
import { findPaymentFate, findPayments, refuseUnsentPayment } from '../read-model/payments.ts';
import { accountRoutes } from './accounts/account-routes.ts';
import { BearerTokens } from './accounts/tokens.ts';
import { SaleAdmission } from './admission/sale-admission.ts';
import type { AppDeps } from './app-deps.ts';
import { createBatches } from './batches.ts';
import { BookingDesk } from './bookings/booking-desk.ts';
import { bookingRoutes } from './bookings/booking-routes.ts';
import { SeatsSeenTaken } from './bookings/seats-seen-taken.ts';
import { quoteRoutes } from './bookings/quote-routes.ts';
import { catalogueRoutes } from './catalogue/catalogue-routes.ts';
import { SaleCatalogue } from './catalogue/sale-catalogue.ts';
import { sendAnswer } from './http/answer.ts';
import { createDirectEntrance } from './http/direct-entrance.ts';
import { otherMethods } from './http/other-methods.ts';
import { notFound, problemAnswer, toApiError } from './http/problem.ts';
import { RateLimits } from './http/rate-limits.ts';
import { RefusalTally } from './http/refusal-tally.ts';
import { assignRequestId, pathOf } from './http/request-ids.ts';
import { noteProblem, requestLog } from './http/request-log.ts';
import { securityHeaders } from './http/security-headers.ts';
import { type Gate, requestHandler, type Route } from './http/route.ts';
import { AnswerMemory } from './idempotency/answer-memory.ts';
import { docsRouter } from './operations/docs.ts';
import { outboxRoutes } from './outbox/outbox-routes.ts';
import { healthRouter } from './operations/health.ts';
import type { Metrics } from './operations/metrics.ts';
import { PaymentDesk } from './payments/payment-desk.ts';
import { paymentRoutes } from './payments/payment-routes.ts';
import { webhookRoutes } from './payments/webhook-routes.ts';
import { reconciliationRoutes } from './reconciliation/reconciliation-routes.ts';
import { createSeatMapFastPath } from './seats/seat-map-fast-path.ts';
import { seatRoutes } from './seats/seat-routes.ts';
import { ShowCommands } from './shows/show-commands.ts';
import { ticketRoutes } from './tickets/ticket-routes.ts';
import { showChangeRoutes } from './staff/show-change-routes.ts';
import { staffRoutes } from './staff/staff-routes.ts';

/** The HTTP application. It holds no state that another process would need: any number of them serve the same sales. */
export function createApp(deps: AppDeps): RequestListener {
  const routes = allRoutes(deps);
  const gate = gateOf(deps);
  const tally = new RefusalTally(deps.logger);
  const app = createExpressApp(deps, routes, gate, tally);
  const readsMap = createSeatMapFastPath(deps);
  const makesBooking = createDirectEntrance(routeOf(routes, endpoints.createBooking), gate, { ...deps, tally });
  return (req, res) => {
    if (!readsMap(req, res) && !makesBooking(req, res)) app(req, res);
  };
}

const routeOf = (routes: readonly Route[], endpoint: Endpoint): Route =>
  routes.find((route) => route.endpoint === endpoint)!;

function createExpressApp(deps: AppDeps, routes: readonly Route[], gate: Gate, tally: RefusalTally): Express {
  const app = express();
  app.disable('x-powered-by');
  // Bodies that have an entity tag get it from their version, not from hashing them.
  app.disable('etag');
  app.set('query parser', 'simple');
  app.set('trust proxy', deps.trustedProxies);

  app.use(requestLog(deps.logger));
  app.use(securityHeaders);
  app.use(BASE_PATH, apiRouter(routes, gate, deps.metrics));
  app.use(healthRouter(deps.db, deps.workflows));
  app.use(docsRouter());
  app.use(() => {
    throw notFound('resource');
  });
  app.use(problems(tally));
  return app;
}

function apiRouter(allRoutes: readonly Route[], gate: Gate, metrics: Metrics): Router {
  const router = Router({ caseSensitive: true });
  const byPath = Map.groupBy(allRoutes, ({ endpoint }) => endpoint.path);
  for (const [path, routes] of byPath) {
    const resource = router.route(path.replace(/\{(\w+)\}/g, ':$1'));
    for (const each of routes) {
      resource[each.endpoint.method](measured(each, metrics), requestHandler(each, gate));
    }
    resource.all(otherMethods(routes.map(({ endpoint }) => endpoint.method.toUpperCase())));
  }
  return router;
}

/** In the order in which they are asked for most: the router tries one after the other. */
function allRoutes(deps: AppDeps): readonly Route[] {
  const { db, workflows, seatMaps, settings, nowMs, metrics } = deps;
  const batches = createBatches(db);
  const memory = new AnswerMemory(db, batches);
  const catalogue = new SaleCatalogue(db, nowMs);
  const seen = new SeatsSeenTaken();
  const shows = new ShowCommands(workflows, catalogue, settings.limits, nowMs);
  const admission = new SaleAdmission({ nowMs, onRefused: (what) => metrics.refusedInOverload(what) });
  const desk = new BookingDesk({ ...deps, admission, batches, catalogue, shows, seen });
  const payments = new PaymentDesk({
    batches,
    workflows,
    admission,
    nowMs,
    findShow: (id) => catalogue.show(id),
    findPayments: (ids) => findPayments(db, ids),
    findFate: (id) => findPaymentFate(db, id),
    refuseUnsent: (attemptId, reason) => refuseUnsentPayment(db, { attemptId, reason, atMs: nowMs() }),
  });
  return [
    ...bookingRoutes({ db, batches, catalogue, shows, workflows, desk, seen, memory, settings, nowMs }),
    ...paymentRoutes(db, batches, memory, payments, seen),
    ...seatRoutes(catalogue, seatMaps, deps.streams),
    ...catalogueRoutes(db, nowMs),
    ...quoteRoutes(catalogue, seatMaps, memory, settings.limits.seatsPerBookingMax),
    ...accountRoutes({ db, memory, jwtSecret: deps.jwtSecret, codes: deps.ticketCodes, nowMs }),
    ...webhookRoutes({ ...deps, batches }),
    ...ticketRoutes({ db, batches, memory, codes: deps.ticketCodes }),
    ...reconciliationRoutes({ db, memory, reconciliations: deps.reconciliations }),
    ...outboxRoutes({ db, memory, webhookTargets: deps.webhookTargets, nowMs }),
    ...staffRoutes({ db, memory, catalogue, shows, nowMs, logger: deps.logger }),
    ...showChangeRoutes({ db, memory, catalogue, shows, workflows, nowMs, logger: deps.logger }),
  ];
}

function gateOf({ jwtSecret, nowMs, rateLimit }: AppDeps): Gate {
  const tokens = new BearerTokens(jwtSecret, nowMs);
  const limits = rateLimit === 'on' ? new RateLimits() : null;
  return {
    authenticate: (authorization) => tokens.verify(authorization),
    admit: async (operationId, caller, ip) => limits?.admit(operationId, caller, ip),
  };
}

const measured =
  ({ endpoint: { path, method } }: Route, metrics: Metrics): RequestHandler =>
  (_req, res, next) => {
    const startedAt = performance.now();
    res.once('finish', () => metrics.request(path, method, res.statusCode, (performance.now() - startedAt) / 1_000));
    next();
  };

/** The last one: whatever was thrown becomes a problem. */
const problems =
  (tally: RefusalTally): ErrorRequestHandler =>
  (error: unknown, req, res, _next) => {
    const refusal = toApiError(error);
    noteProblem(res, refusal, error, tally);
    if (res.headersSent) {
      res.destroy();
      return;
    }
    sendAnswer(res, problemAnswer(refusal, pathOf(req), assignRequestId(req, res)));
  };
