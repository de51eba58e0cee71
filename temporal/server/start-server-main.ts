import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Client } from 'pg';
import { z } from 'zod';
import { loopback } from './process-limits.ts';

/**
 * `start-server-main BINARY CONFIG_FILE`: becomes Temporal Server, after it has removed what a killed one left behind.
 *
 * Each service of the server writes its address into a table and joins those that it finds there, which take 20 s to
 * count as dead: a server started again sooner, on other ports, waits almost a minute for its own former self. Rows of
 * other machines stay; on loopback, nobody but us has written them.
 */
const connectTimeoutMs = 5_000;
/** As found 50 µs. The server's own waits are of many milliseconds. */
const timerSlackNs = 2_000_000;
const config = z.object({
  persistence: z.object({
    datastores: z.object({
      history: z.object({
        sql: z.object({
          connectAddr: z.string(),
          databaseName: z.string(),
          user: z.string(),
          password: z.string(),
          connectAttributes: z.object({ sslmode: z.string() }).optional(),
        }),
      }),
    }),
  }),
});

const [binary, configFile] = process.argv.slice(2);
if (binary === undefined || configFile === undefined) throw new Error('usage: start-server-main BINARY CONFIG_FILE');

if (process.execve === undefined) throw new Error('Temporal Server is started so on Linux and macOS only.');

await forgetFormerSelf(configFile);
tolerateLateTimers();
// The same process from here on: signals reach the server itself, and its exit is the one the supervisor sees.
process.execve(binary, [binary, '--config-file', configFile, '--allow-no-auth', 'start'], process.env);

/**
 * While the server has anything to do, Go's runtime wakes up every 20 µs to look whether something stands still (`sysmon` in
 * its proc.go): a seventh of what the server cost where it waited between two calls (docs/decisions/0010). Its threads inherit
 * from here how late the kernel may wake them (PR_SET_TIMERSLACK in prctl(2)).
 */
function tolerateLateTimers(): void {
  try {
    writeFileSync('/proc/self/timerslack_ns', `${timerSlackNs}`);
  } catch {
    // Not Linux, or a sandbox without it: all works as before.
  }
}

async function forgetFormerSelf(file: string): Promise<void> {
  const { sql } = config.parse(JSON.parse(await readFile(file, 'utf8'))).persistence.datastores.history;
  const url = new URL(`postgresql://${sql.user}@${sql.connectAddr}/${sql.databaseName}`);
  url.password = sql.password;
  if (sql.connectAttributes) url.searchParams.set('sslmode', sql.connectAttributes.sslmode);
  const client = new Client({ connectionString: url.href, connectionTimeoutMillis: connectTimeoutMs });
  await client.connect();
  try {
    await client.query('delete from cluster_membership where rpc_address = $1', [loopback]);
  } finally {
    await client.end();
  }
}
