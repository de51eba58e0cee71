import { destination, pino, type Logger } from 'pino';

export type { Logger };

/** Paths that never reach a log line, whoever logs them. */
const secrets = ['authorization', 'cookie', 'token', 'password', 'accessToken', 'refreshToken', 'idempotency-key'];

/** One JSON line per event on standard output, with the name of the part that wrote it. */
export function createLogger(part: string, level: string = process.env.LOG_LEVEL ?? 'info'): Logger {
  return pino(
    {
      level,
      base: { part },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: {
        paths: secrets.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]),
        censor: '[redacted]',
      },
    },
    destination({ dest: 1, sync: true }),
  );
}
