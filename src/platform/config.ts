import { z } from 'zod';

/**
 * Settings of every process, read once from the environment. Units stand last in a name. A setting that is absent has
 * the default here; a setting that is there and wrong stops the process with a sentence that says what it may be.
 */
const seconds = (fallback: number) => z.coerce.number().positive().max(86_400).default(fallback);
const count = (fallback: number, max: number) => z.coerce.number().int().min(0).max(max).default(fallback);
const port = z.coerce.number().int().min(0).max(65_535);
/** A process that serves a queue asks for its tasks with some sixteen calls that wait: cities by the dozen, not by the hundred. */
const CITIES_MAX = 64;
/** Ids in a row, with commas between them. */
const ids = z
  .string()
  .transform((text) => [...new Set(text.split(',').map((id) => id.trim()))].filter((id) => id !== ''))
  .refine(
    (list) => list.length <= CITIES_MAX && list.every((id) => /^[\w-]{1,80}$/.test(id)),
    `must be at most ${CITIES_MAX} ids with commas between them, such as cit_pune,cit_delhi`,
  );
/** Secrets have no default: development's are made once and kept in the data folder, production's are given. */
const secret = z.string().min(32, 'must have at least 32 characters');
/** More keys than that were not changed, they were lost. */
const RETIRED_KEYS_MAX = 10;
const secrets = z
  .string()
  .transform((text) => text.split(',').map((each) => each.trim()))
  .refine(
    (list) => list.length <= RETIRED_KEYS_MAX && list.every((each) => each.length >= 32),
    `must be at most ${RETIRED_KEYS_MAX} secrets of at least 32 characters with commas between them`,
  );
/** Names in a row, with commas between them; which there are, says who reads them. */
const names = z
  .string()
  .transform((text) =>
    text
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  )
  .refine((list) => new Set(list).size === list.length, 'must be names with commas between them, none twice');
/** Temporal keeps it in search attributes and in the name of a workflow of its own. */
const buildId = z
  .string()
  .regex(/^[\w-][\w.-]{0,79}$/, 'must be up to 80 letters, digits, dots, dashes and underscores, such as 2026-11-21.1');
const postgresUrl = z
  .string()
  .refine(
    (url) => /^postgres(ql)?:$/.test(URL.parse(url)?.protocol ?? ''),
    'must be an address such as postgres://user:password@host:5432/database',
  );

const smtpUrl = z
  .string()
  .refine(
    (url) => /^smtps?:$/.test(URL.parse(url)?.protocol ?? '') && URL.parse(url)!.hostname !== '',
    'must be an address such as smtp://user:password@host:587, or smtps://',
  );
/** A name that is shown, and an address: the part before the `@` is free of what would need quoting. */
const mailbox = z
  .string()
  .regex(
    /^(?:[^<>@"\p{Cc}]{1,100} <[\w.+-]{1,64}@[\w-][\w.-]{0,252}>|[\w.+-]{1,64}@[\w-][\w.-]{0,252})$/u,
    'must be such as Seatkeeper <tickets@seatkeeper.example>',
  );

const settings = z.object({
  NODE_ENV: z.enum(['development', 'production', 'test']).default('development'),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),

  /** Folder of everything that a single machine keeps: databases, secrets, ledger. */
  DATA_DIR: z.string().min(1).default('.data'),

  /** Address the API listens on: only this machine, unless it is told that it is meant for others. */
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: port.default(3000),
  /** Proxies in front of the API, each of which has added the address it saw to `X-Forwarded-For`. */
  TRUSTED_PROXIES: count(0, 10),
  METRICS_PORT: port.default(0),

  DATABASE_URL: postgresUrl,
  DATABASE_POOL_MAX: z.coerce.number().int().min(1).max(200).default(10),
  TEMPORAL_ADDRESS: z.string().min(1),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default'),

  /** Ids of the cities whose shows and bookings have task queues of their own. */
  CITY_QUEUES: ids.default([]),
  /** Cities whose queues a worker serves, and `common` for those of all others; absent: all that there are. */
  WORKER_QUEUES: ids.optional(),
  /** Which build of the code a worker runs; absent: its workers are not told apart from others. */
  WORKER_BUILD_ID: buildId.optional(),
  /** Changes of workflows, by their names in `patched`, that workers don't begin with yet: the way back stays open. */
  WORKER_PATCHES_HELD_BACK: names.default([]),

  JWT_SECRET: secret,
  /** Signs tickets. */
  TICKET_SIGNING_KEY: secret,
  /** Signed tickets before: those are still good. With commas between them. */
  TICKET_SIGNING_KEYS_RETIRED: secrets.default([]),
  PAYMENT_WEBHOOK_SECRET: secret,
  /** The first is charged, the second when the first has certainly not. */
  PAYMENT_PROVIDERS: names
    .refine((list) => list.length > 0 && list.length <= 2, 'must be one or two providers')
    .default(['simulator', 'simulator-backup']),
  /** Not charged any more, but asked, refunded and listened to, for what was paid there. */
  PAYMENT_PROVIDERS_RETIRED: names.default([]),
  /** Where the simulated providers answer; needed while one of them is chosen. */
  PAYMENT_GATEWAY_URL: z.url().optional(),

  /** Needed while Stripe is chosen, as is the return address. */
  STRIPE_SECRET_KEY: z
    .string()
    .regex(/^(sk|rk)_(test|live)_\w{8,}$/, 'must be a secret or restricted key of Stripe: sk_… or rk_…')
    .optional(),
  STRIPE_WEBHOOK_SECRET: z
    .string()
    .regex(/^whsec_[\w+/=-]{16,}$/, "must be the signing secret of Stripe's webhook endpoint: whsec_…")
    .optional(),
  STRIPE_API_URL: z.url().default('https://api.stripe.com'),
  /** Where a buyer comes back to from a bank's page. */
  STRIPE_RETURN_URL: z.url().optional(),

  /** 0 = any free port; the one taken is logged. */
  PAYMENT_SIMULATOR_PORT: port.default(0),
  PAYMENT_SIMULATOR_HOST: z.string().min(1).default('127.0.0.1'),
  /** How long the simulated provider thinks before it answers. */
  PAYMENT_SIMULATOR_LATENCY_MS: count(0, 60_000),
  /** Where buyers reach the approval page, if not under the address that the API uses. */
  PAYMENT_SIMULATOR_PUBLIC_URL: z.url().optional(),
  /** Base of the API that the simulator's webhooks go to, without `/api/v1`. */
  PAYMENT_WEBHOOK_URL: z.url(),

  HOLD_TTL_SECONDS: seconds(600),
  HOLD_EXTENSIONS_MAX: count(2, 20),
  PAYMENT_DEADLINE_SECONDS: seconds(120),
  /** What has changed since is not compared by reconciliation: it may be under way. */
  RECONCILIATION_GRACE_SECONDS: seconds(120),
  RECONCILIATION_SCHEDULE: z.enum(['repair', 'report', 'off']).default('repair'),
  /** With growing pauses between them, 20 tries take about two hours; then an event is parked. */
  OUTBOX_TRIES_MAX: z.coerce.number().int().min(1).max(1_000).default(20),
  /** How long events are kept that every consumer has had. */
  OUTBOX_RETENTION_DAYS: z.coerce.number().min(0).max(3_650).default(30),
  /** A partner's endpoint that has refused everything for so long is disabled. */
  WEBHOOK_DISABLE_AFTER_DAYS: z.coerce.number().min(0).max(365).default(5),
  /** Whether partners' webhooks may go to this machine and its network, and over http: for development alone. */
  WEBHOOK_PRIVATE_TARGETS: z.enum(['refused', 'allowed']).default('refused'),
  SEATS_PER_BOOKING_MAX: z.coerce.number().int().min(1).max(100).default(10),
  SEATS_PER_BUYER_MAX: count(0, 10_000),
  /** Where mail goes out. */
  SMTP_URL: smtpUrl.optional(),
  /** Absent: `required` in production. `optional` encrypts where the server can. */
  SMTP_TLS: z.enum(['required', 'optional']).optional(),
  MAIL_FROM: mailbox.default('Seatkeeper <tickets@seatkeeper.localhost>'),
  /** Providers refuse a sender who hurries. */
  MAILS_PER_SECOND_MAX: z.coerce.number().int().min(1).max(1_000).default(14),
  /** Take `POST` of `{id, to, text}`. */
  SMS_GATEWAY_URL: z.url().optional(),
  PUSH_GATEWAY_URL: z.url().optional(),
  /** Buyers get a message about a hold, too. */
  NOTIFY_HELD: z.enum(['on', 'off']).default('off'),
  /** Of the mail catcher: its page and its SMTP; 0 = any free port. */
  MAILS_HOST: z.string().min(1).default('127.0.0.1'),
  MAILS_PORT: port.default(0),
  MAILS_SMTP_PORT: port.default(0),
  /** How long before its show a booking is reminded of. */
  REMINDER_LEAD_SECONDS: seconds(3 * 3_600),
  RATE_LIMIT: z.enum(['on', 'off']).default('on'),

  /** Live seat maps that one API process streams at once: about 27 KiB of memory each; past it: 503. */
  WATCHERS_MAX: z.coerce.number().int().min(1).max(200_000).default(25_000),
  /**
   * Of one address or IPv6 network; 0 = no limit. A browser opens six connections at most, and an office or a mobile
   * carrier has hundreds of people behind one address; who finds no place polls. `RATE_LIMIT=off` lifts it too.
   */
  WATCHERS_PER_CALLER_MAX: count(256, 200_000),
  /** Proxies close a connection on which nothing was said for half a minute or a minute: twice in the shorter one. */
  WATCH_HEARTBEAT_SECONDS: seconds(15),
});

export type Settings = z.infer<typeof settings>;
export type SettingName = keyof Settings;

/** What each setting may be; a launcher checks its person's settings by them before a part reads them. */
export const settingShapes = settings.shape;

/** Never shown, right or wrong: an address may hold a password. */
const hidden: ReadonlySet<string> = new Set([
  'JWT_SECRET',
  'TICKET_SIGNING_KEY',
  'TICKET_SIGNING_KEYS_RETIRED',
  'PAYMENT_WEBHOOK_SECRET',
  'STRIPE_SECRET_KEY',
  'STRIPE_WEBHOOK_SECRET',
  'DATABASE_URL',
  'SMTP_URL',
]);

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * The settings named, validated. A process asks for what it needs: the simulator has no `JWT_SECRET`.
 * @throws ConfigError
 */
export function readConfig<Name extends SettingName>(
  names: readonly Name[],
  env: NodeJS.ProcessEnv = process.env,
): Readonly<Pick<Settings, Name>> {
  const shapes = Object.fromEntries(names.map((name) => [name, settingShapes[name]]));
  return validSettings(shapes, env) as unknown as Pick<Settings, Name>;
}

/**
 * Settings of the given shapes, validated.
 * @throws ConfigError naming every one that is missing or wrong, with its value and what it may be
 */
export function validSettings<Shapes extends Readonly<Record<string, z.ZodType>>>(
  shapes: Shapes,
  env: NodeJS.ProcessEnv,
): z.infer<z.ZodObject<Shapes>> {
  const parsed = z.object(shapes).safeParse(env);
  if (parsed.success) return parsed.data;
  const faults = new Map<string, string>();
  for (const { path, message } of parsed.error.issues) {
    const name = String(path[0]);
    if (!faults.has(name)) faults.set(name, `${name}: ${faultOf(shapes[name]!, env[name], message, hidden.has(name))}`);
  }
  throw new ConfigError(`Settings are wrong: ${[...faults.values()].join('; ')}`);
}

function faultOf(shape: z.ZodType, value: string | undefined, message: string, isHidden: boolean): string {
  if (value === undefined) return 'is missing';
  const allowed = isHidden ? null : allowedBy(shape);
  return allowed === null ? message : `'${value}' is not ${allowed}`;
}

/** What a shape allows, in words; null where the shape has its own words for what is wrong. */
function allowedBy(shape: z.ZodType): string | null {
  if (shape instanceof z.ZodDefault || shape instanceof z.ZodOptional) return allowedBy(shape.unwrap() as z.ZodType);
  if (shape instanceof z.ZodEnum) return `one of ${shape.options.join(', ')}`;
  if (shape instanceof z.ZodURL) return 'a URL such as http://127.0.0.1:8080';
  if (!(shape instanceof z.ZodNumber)) return null;
  const from = shape.safeParse(shape.minValue).success ? `from ${shape.minValue}` : `above ${shape.minValue}, up`;
  return `a ${shape.isInt ? 'whole ' : ''}number ${from} to ${shape.maxValue}`;
}
