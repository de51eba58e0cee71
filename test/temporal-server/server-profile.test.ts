import { jest } from '@jest/globals';
import { defineSearchAttributeKey } from '@temporalio/common';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { searchAttributes } from '../../src/contracts/workflow-ids.ts';
import type { ProcessSpec } from '../../src/platform/process-spec.ts';
import type { PreparedTemporal } from '../../temporal/server/contract.ts';
import { defaultCacheDir, obtainServerBinaries, serverBinariesAtHand } from '../../temporal/server/obtain.ts';
import { postgresAddressOf } from '../../temporal/server/postgres-address.ts';
import { prepareTemporal } from '../../temporal/server/prepare.ts';
import { runCommand } from '../../temporal/server/run-command.ts';
import { postgresPlugin, temporalDatabases } from '../../temporal/server/server-config.ts';
import { prepareSchema } from '../../temporal/server/server-profile.ts';
import { lightenVisibility, onVisibilityTable } from '../../temporal/server/visibility-table.ts';
import { eventually } from '../setup/eventually.ts';
import { startTestPostgres, type TestPostgres } from '../setup/postgres.ts';
import { executable } from './fake-tools.ts';
import { recordingLog } from './log-lines.ts';
import { freePorts, RunningTemporal } from './running-temporal.ts';

const { TEMPORAL_ADDRESS: _external, ...env } = process.env;
const cacheDir = defaultCacheDir(env);

const onLinux = process.platform === 'linux' ? test : test.skip;

/**
 * Building the server takes four minutes of two cores, which the other tests do not need: its own run where it has
 * been built, by `TEMPORAL_PROFILE=server npm start`.
 */
const whereBuilt = (await serverBinariesAtHand({ cacheDir, env })) ? describe : describe.skip;

async function visibilityDatabase(postgres: TestPostgres): Promise<Client> {
  const url = new URL(postgres.url);
  url.pathname = temporalDatabases.visibility;
  const database = new Client({ connectionString: url.href });
  await database.connect();
  return database;
}

whereBuilt('Temporal Server on Postgres', () => {
  let dataDir: string;
  let postgres: TestPostgres;
  let prepared: PreparedTemporal;
  let temporal: RunningTemporal;

  const prepare = async () =>
    prepareTemporal({
      ...{ profile: 'server', ports: await freePorts('server'), databaseUrl: postgres.url },
      ...{ dataDir, cacheDir, namespace: 'default', log: recordingLog().log, env },
    });

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'seatkeeper-server-'));
    postgres = await startTestPostgres();
    prepared = await prepare();
    temporal = new RunningTemporal(prepared);
    await temporal.start();
  }, 60_000);
  afterAll(async () => {
    await temporal?.stop();
    await postgres?.stop();
    await rm(dataDir, { recursive: true, force: true });
  }, 30_000);

  const statusOf = (workflowId: string) =>
    temporal.withClient(async (client) => (await client.workflow.getHandle(workflowId).describe()).status.name);

  test('what was accepted is still there after kill -9', async () => {
    await temporal.withClient((client) =>
      client.workflow.start('anything', {
        workflowId: 'survivor',
        taskQueue: 'nobody-listens',
        typedSearchAttributes: Object.values(searchAttributes).map((name) => ({
          key: defineSearchAttributeKey(name, 'KEYWORD'),
          value: 'any',
        })),
      }),
    );
    await temporal.kill();
    await temporal.startProcesses();
    expect(await statusOf('survivor')).toBe('RUNNING');
  }, 60_000);

  test('killed and started anew on other ports, it is back within seconds and has everything', async () => {
    await temporal.kill();
    const killedAt = Date.now();
    prepared = await prepare();
    temporal = new RunningTemporal(prepared);
    await temporal.start();
    // It takes 50 s when it looks for its former self.
    expect(Date.now() - killedAt).toBeLessThan(20_000);
    expect(await statusOf('survivor')).toBe('RUNNING');
  }, 90_000);

  test('knows our search attributes and keeps closed workflows for 72 hours', async () => {
    await temporal.withClient(async (client) => {
      await client.workflow.count(
        Object.values(searchAttributes)
          .map((name) => `${name} = 'x'`)
          .join(' AND '),
      );
      const { config } = await client.workflowService.describeNamespace({ namespace: 'default' });
      expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(72 * 3_600);
    });
  });

  test('its table of workflows has no column that is computed as it is written, and shows them all', async () => {
    const database = await visibilityDatabase(postgres);
    const { rows: computed } = await database.query(
      `select from pg_attribute where attrelid = 'executions_visibility_rows'::regclass and attgenerated <> ''`,
    );
    const {
      rows: [survivor],
    } = await database.query<Record<string, string>>(
      `select * from executions_visibility where workflow_id = 'survivor'`,
    );
    await database.end();
    expect(computed).toHaveLength(0);
    expect(Object.keys(survivor!).length).toBeGreaterThan(70);
    const shown = Object.entries(survivor!).filter(([, value]) => value === 'any');
    expect(shown).toHaveLength(Object.keys(searchAttributes).length);
  });

  test('its table of workflows has an index for each search attribute of ours, and few that nobody needs', async () => {
    const database = await visibilityDatabase(postgres);
    const { rows: indexes } = await database.query(
      `select from pg_indexes where tablename = 'executions_visibility_rows'`,
    );
    const { rows: attributes } = await database.query<{ column: string }>(
      `select distinct jsonb_object_keys(search_attributes) as column from executions_visibility`,
    );
    const ours = attributes.map(({ column }) => column).filter((column) => /^Keyword\d\d$/.test(column));
    await database.query('set enable_seqscan = off');
    const plans = await Promise.all(
      ours.map(async (column) => {
        const { rows } = await database.query<{ 'QUERY PLAN': string }>(
          `explain select run_id from executions_visibility
          where namespace_id = 'any' and ${column} = 'any' and TemporalNamespaceDivision is null`,
        );
        return rows.map((row) => row['QUERY PLAN']).join('\n');
      }),
    );
    await database.end();
    expect(indexes.length).toBeLessThan(25);
    expect(ours).toHaveLength(Object.keys(searchAttributes).length);
    ours.forEach((column, position) => {
      expect(plans[position]).toContain(`by_${column.toLowerCase().replace(/(?=\d\d$)/, '_')}`);
    });
  });

  test('its page shows workflows', async () => {
    const response = await fetch(`${prepared.uiUrl}/api/v1/namespaces/default/workflows/survivor`);
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('survivor');
  });

  test('the configuration, which carries the password, is readable by its owner alone', async () => {
    const file = join(dataDir, 'temporal', 'server.yaml');
    expect((await stat(file)).mode & 0o077).toBe(0);
    expect(await readFile(file, 'utf8')).toContain('"password"');
  });

  onLinux('it may be woken late: Go looks after itself less often', async () => {
    const [{ command, args }] = prepared.processes as [ProcessSpec];
    const server = await executable(
      join(dataDir, 'server'),
      'read -r slack < /proc/self/timerslack_ns; echo "$slack ns"',
    );
    const { output } = await runCommand(command, args.with(-2, server), { env, timeoutMs: 10_000 });
    expect(output.trim()).toBe('2000000 ns');
  });

  test('an attribute that is added later is searched by, too', async () => {
    await temporal.withClient(async (client) => {
      const key = defineSearchAttributeKey('AddedLater', 'KEYWORD');
      await client.connection.operatorService.addSearchAttributes({
        namespace: 'default',
        // 2: a keyword.
        searchAttributes: { AddedLater: 2 },
      });
      const start = () =>
        client.workflow.start('anything', {
          workflowId: 'found-later',
          taskQueue: 'nobody-listens',
          typedSearchAttributes: [{ key, value: 'here' }],
        });
      await eventually(start);
      await eventually(async () => {
        expect((await client.workflow.count(`AddedLater = 'here'`)).count).toBe(1);
      });
    });
  }, 30_000);

  test('its table of workflows takes a column of a later schema, and all is found in it as before', async () => {
    const database = await visibilityDatabase(postgres);
    const { rows: keys } = await database.query<{ column: string }>(
      `select jsonb_object_keys(search_attributes) as column from executions_visibility where workflow_id = 'survivor'`,
    );
    const [{ column } = { column: '' }] = keys;
    await onVisibilityTable(postgresAddressOf(postgres.url), 'later', async () => {
      await database.query(
        `alter table executions_visibility
        add column OfALaterSchema varchar(255) generated always as (search_attributes->>'${column}') stored`,
      );
      await database.query(
        'create index by_of_a_later_schema on executions_visibility (namespace_id, OfALaterSchema, run_id)',
      );
    });
    const { rows: attributes } = await database.query<{ own: number; later: number }>(
      `select count(*)::int as own, count(*) filter (where OfALaterSchema = ${column})::int as later
      from executions_visibility where ${column} is not null`,
    );
    const { rows: indexes } = await database.query<{ indexdef: string }>(
      `select indexdef from pg_indexes where indexname = 'by_of_a_later_schema'`,
    );
    await database.end();
    expect(attributes[0]!.own).toBeGreaterThan(0);
    expect(attributes[0]!.later).toBe(attributes[0]!.own);
    expect(indexes[0]!.indexdef).toMatch(/executions_visibility_rows .* WHERE .*IS NOT NULL/);
    await temporal.withClient(async (client) => {
      expect((await client.workflow.count(`AddedLater = 'here'`)).count).toBe(1);
      expect((await client.workflow.count(`${Object.values(searchAttributes)[0]} = 'any'`)).count).toBe(1);
    });
  }, 30_000);

  test('its table of workflows stays as it is where nobody knows any more what it was', async () => {
    const database = await visibilityDatabase(postgres);
    await database.query('comment on view executions_visibility is null');
    const update = jest.fn(async () => {});
    await expect(onVisibilityTable(postgresAddressOf(postgres.url), 'another', update)).rejects.toThrow('comment');
    expect(update).not.toHaveBeenCalled();
    const { rows } = await database.query(`select relkind from pg_class where relname = 'executions_visibility'`);
    await database.end();
    expect(rows).toEqual([{ relkind: 'v' }]);
  });
});

whereBuilt('the table of workflows of an older server', () => {
  let postgres: TestPostgres;

  beforeAll(async () => {
    postgres = await startTestPostgres();
  }, 60_000);
  afterAll(() => postgres?.stop());

  test('is brought to the schema of the newer one after it was made light', async () => {
    const address = postgresAddressOf(postgres.url);
    const { log } = recordingLog();
    const { sqlTool } = await obtainServerBinaries({ cacheDir, env, log });
    const tool = async (...args: string[]) => {
      const { host, port, user, password } = address;
      const connection = ['--plugin', postgresPlugin, '--endpoint', host, '--port', port, '--user', user];
      const { failure, output } = await runCommand(
        sqlTool,
        [...connection, '--db', temporalDatabases.visibility, ...args],
        { env: { ...env, SQL_PASSWORD: password }, timeoutMs: 30_000 },
      );
      expect({ failure, output }).toMatchObject({ failure: null });
    };
    await tool('create-database', '--defaultdb', address.database);
    await tool('setup-schema', '-v', '0.0');
    await tool('update-schema', '--schema-name', 'postgresql/v12/visibility', '--version', '1.13');
    await lightenVisibility(address, ['Keyword01'], 'older');
    await prepareSchema({ file: sqlTool, version: 'newer' }, address, env, log);

    const database = await visibilityDatabase(postgres);
    const { rows } = await database.query('select Keyword01, TemporalExternalPayloadCount from executions_visibility');
    await database.end();
    expect(rows).toEqual([]);
  }, 60_000);
});
