import { defineSearchAttributeKey } from '@temporalio/common';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { searchAttributes } from '../../src/contracts/workflow-ids.ts';
import type { PreparedTemporal } from '../../temporal/server/contract.ts';
import { defaultCacheDir, serverBinariesAtHand } from '../../temporal/server/obtain.ts';
import { prepareTemporal } from '../../temporal/server/prepare.ts';
import { temporalDatabases } from '../../temporal/server/server-config.ts';
import { eventually } from '../setup/eventually.ts';
import { startTestPostgres, type TestPostgres } from '../setup/postgres.ts';
import { recordingLog } from './log-lines.ts';
import { freePorts, RunningTemporal } from './running-temporal.ts';

const { TEMPORAL_ADDRESS: _external, ...env } = process.env;
const cacheDir = defaultCacheDir(env);

/**
 * Building the server takes four minutes of two cores, which the other tests do not need: its own run where it has
 * been built, by `TEMPORAL_PROFILE=server npm start`.
 */
const whereBuilt = (await serverBinariesAtHand({ cacheDir, env })) ? describe : describe.skip;

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

  async function visibilityDatabase(): Promise<Client> {
    const url = new URL(postgres.url);
    url.pathname = temporalDatabases.visibility;
    const database = new Client({ connectionString: url.href });
    await database.connect();
    return database;
  }

  test('its table of workflows stores the columns of our search attributes, and makes the spare ones when they are read', async () => {
    const database = await visibilityDatabase();
    const { rows } = await database.query<{ column: string; kind: string }>(
      `select attname as column, attgenerated as kind from pg_attribute
      where attrelid = 'executions_visibility'::regclass and attgenerated <> '' and not attisdropped`,
    );
    const {
      rows: [survivor],
    } = await database.query<Record<string, string>>(
      `select * from executions_visibility where workflow_id = 'survivor'`,
    );
    await database.end();
    const stored = rows.filter(({ kind }) => kind === 's').map(({ column }) => column);
    expect(stored.length).toBeLessThan(20);
    expect(rows.length).toBeGreaterThan(50);
    expect(stored.filter((column) => survivor![column] === 'any')).toHaveLength(Object.keys(searchAttributes).length);
  });

  test('its table of workflows has an index for each search attribute of ours, and few that nobody needs', async () => {
    const database = await visibilityDatabase();
    const { rows } = await database.query<{ indexdef: string }>(
      `select indexdef from pg_indexes where tablename = 'executions_visibility'`,
    );
    const { rows: attributes } = await database.query<{ column: string }>(
      `select distinct jsonb_object_keys(search_attributes) as column from executions_visibility`,
    );
    await database.end();
    expect(rows.length).toBeLessThan(30);
    const ours = attributes.map(({ column }) => column).filter((column) => /^Keyword\d\d$/.test(column));
    expect(ours).toHaveLength(Object.keys(searchAttributes).length);
    for (const column of ours) {
      expect(rows.filter(({ indexdef }) => indexdef.includes(`, ${column.toLowerCase()},`))).toHaveLength(1);
    }
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
});
