import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { searchAttributes } from '../../src/contracts/workflow-ids.ts';
import { TemporalUnavailableError } from '../../temporal/server/contract.ts';
import { devDatabaseFile, keepDevDatabase, prepareDevDatabase } from '../../temporal/server/dev-profile.ts';
import { defaultCacheDir } from '../../temporal/server/obtain.ts';
import { prepareTemporal } from '../../temporal/server/prepare.ts';
import { eventually } from '../setup/eventually.ts';
import { recordingLog } from './log-lines.ts';
import { freePorts, RunningTemporal } from './running-temporal.ts';

/** The first run on a machine builds the CLI. */
const obtainTimeoutMs = 15 * 60_000;
const { TEMPORAL_ADDRESS: _external, ...env } = process.env;
const cacheDir = defaultCacheDir(env);
const showId = defineSearchAttributeKey(searchAttributes.showId, SearchAttributeType.KEYWORD);

describe('the development server', () => {
  let dataDir: string;
  let prepared: Awaited<ReturnType<typeof prepareTemporal>>;
  let temporal: RunningTemporal;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'seatkeeper-dev-'));
    const { log } = recordingLog();
    const ports = await freePorts('dev');
    prepared = await prepareTemporal({ profile: 'dev', ports, dataDir, cacheDir, namespace: 'default', log, env });
    temporal = new RunningTemporal(prepared);
    await temporal.start();
  }, obtainTimeoutMs);
  afterAll(async () => {
    await temporal?.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  test('what was accepted is still there after kill -9', async () => {
    await temporal.withClient((client) =>
      client.workflow.start('anything', { workflowId: 'survivor', taskQueue: 'nobody-listens' }),
    );
    await temporal.kill();
    await temporal.startProcesses();
    const description = await temporal.withClient((client) => client.workflow.getHandle('survivor').describe());
    expect(description.status.name).toBe('RUNNING');
  });

  test('knows our search attributes, and operators find workflows by them', async () => {
    await temporal.withClient(async (client) => {
      await client.workflow.start('anything', {
        workflowId: 'findable',
        taskQueue: 'nobody-listens',
        typedSearchAttributes: [{ key: showId, value: 'shw_1' }],
      });
      await eventually(async () =>
        expect((await client.workflow.count(`${searchAttributes.showId} = 'shw_1'`)).count).toBe(1),
      );
    });
  });

  test('shows its page, and listens on loopback alone', async () => {
    const { uiUrl, address } = prepared;
    expect(new URL(uiUrl!).hostname).toBe('127.0.0.1');
    expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
    expect((await fetch(uiUrl!)).status).toBe(200);
  });

  test('keeps closed workflows for 72 hours', async () => {
    await temporal.withClient(async (client) => {
      const { config } = await client.workflowService.describeNamespace({ namespace: 'default' });
      expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(72 * 3_600);
    });
  });

  test('can be set up again without effect', async () => {
    await prepared.prepare();
    await prepared.afterStart();
    const description = await temporal.withClient((client) => client.workflow.getHandle('survivor').describe());
    expect(description.status.name).toBe('RUNNING');
  });

  describe('as a server that runs elsewhere', () => {
    const external = (address: string, namespace: string, log = recordingLog().log) =>
      prepareTemporal({
        ...{ profile: 'dev', ports: { frontend: 0, ui: 0, http: 0, metrics: 0 }, dataDir, cacheDir, namespace, log },
        env: { ...env, TEMPORAL_ADDRESS: address },
      });

    test('TEMPORAL_ADDRESS is used, and gets the search attributes that it lacks', async () => {
      await temporal.withClient((client) =>
        client.workflowService.registerNamespace({
          namespace: 'bare',
          workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
        }),
      );
      const { log, messages } = recordingLog();
      const elsewhere = await external(prepared.address, 'bare', log);
      expect(elsewhere).toMatchObject({ address: prepared.address, uiUrl: null, processes: [] });
      await elsewhere.afterStart();
      expect(messages).toEqual(['temporal: TEMPORAL_ADDRESS: used', 'search attributes added']);
      await temporal.withClient((client) =>
        client.workflowService.countWorkflowExecutions({
          namespace: 'bare',
          query: Object.values(searchAttributes)
            .map((name) => `${name} = 'x'`)
            .join(' AND '),
        }),
      );
    });

    test('a namespace that it does not have is not made there', async () => {
      const elsewhere = await external(prepared.address, 'not-there');
      await expect(elsewhere.afterStart()).rejects.toThrow(TemporalUnavailableError);
      await expect(elsewhere.afterStart()).rejects.toThrow('has no namespace not-there');
    });
  });
});

test('an address where nobody answers is refused in one sentence', async () => {
  const { frontend } = await freePorts('dev');
  const refused = prepareTemporal({
    ...{ profile: 'dev', ports: { frontend: 0, ui: 0, http: 0, metrics: 0 }, dataDir: '/', cacheDir },
    ...{ namespace: 'default', log: recordingLog().log, env: { TEMPORAL_ADDRESS: `127.0.0.1:${frontend}` } },
  });
  await expect(refused).rejects.toThrow(
    `TEMPORAL_ADDRESS names 127.0.0.1:${frontend}, where no Temporal server answers`,
  );
}, 15_000);

test('a database whose making was cut short is made anew', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'seatkeeper-dev-'));
  const { log, messages } = recordingLog();
  await prepareDevDatabase('1.5.1', dataDir, log);
  await writeFile(devDatabaseFile(dataDir), 'half a schema');
  await prepareDevDatabase('1.5.1', dataDir, log);
  await expect(access(devDatabaseFile(dataDir))).rejects.toThrow('ENOENT');
  await access(dirname(devDatabaseFile(dataDir)));
  expect(messages).toEqual(['the first start was cut short: making the database anew']);
  await rm(dataDir, { recursive: true, force: true });
});

test('a database that another version made is kept, with a warning', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'seatkeeper-dev-'));
  const { log, messages } = recordingLog();
  await prepareDevDatabase('1.5.1', dataDir, log);
  await writeFile(devDatabaseFile(dataDir), 'shows and bookings');
  await keepDevDatabase('1.5.1', dataDir);
  await prepareDevDatabase('1.5.1', dataDir, log);
  expect(messages).toEqual([]);
  await prepareDevDatabase('1.6.0', dataDir, log);
  expect(messages).toEqual(['the database was made by another version of the server, which may not fit']);
  expect(await readFile(devDatabaseFile(dataDir), 'utf8')).toBe('shows and bookings');
  await rm(dataDir, { recursive: true, force: true });
});
