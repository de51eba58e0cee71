import { TemporalUnavailableError } from './contract.ts';

/** Where the Postgres server of `DATABASE_URL` is, in the words of Temporal's configuration. */
export interface PostgresAddress {
  /** `host:port`. */
  readonly connectAddr: string;
  readonly host: string;
  readonly port: string;
  /** Percent-encoded: the server puts it into a URL as it is. */
  readonly user: string;
  /** As it is: the server encodes it. */
  readonly password: string;
  /** Exists already; connected to in order to make the others. */
  readonly database: string;
  /** `sslmode` of the URL; without it Temporal connects without TLS. */
  readonly sslMode: string | null;
}

/** @throws TemporalUnavailableError when Temporal cannot connect to such an address. */
export function postgresAddressOf(databaseUrl: string): PostgresAddress {
  const url = URL.canParse(databaseUrl) ? new URL(databaseUrl) : null;
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol) || url.hostname === '') {
    throw new TemporalUnavailableError(
      'DATABASE_URL must name a host, postgresql://user:password@host:port/database: Temporal connects by TCP.',
    );
  }
  const port = url.port || '5432';
  return {
    connectAddr: `${url.hostname}:${port}`,
    host: url.hostname,
    port,
    user: url.username || 'postgres',
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)) || 'postgres',
    sslMode: url.searchParams.get('sslmode'),
  };
}
