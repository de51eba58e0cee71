import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signStaffToken } from '../../src/api/accounts/tokens.ts';
import { demoHalls } from '../../src/demo-catalogue/seating-plans.ts';
import { parsePretixPlan, type PretixPlan } from '../../src/domain/pretix-plan.ts';
import { findSeatingPlan } from '../../src/read-model/seating-plans.ts';
import { writeRunState } from '../../src/supervisor/run-state.ts';
import { testSecrets, useTestSystem } from '../setup/system.ts';

interface Ended {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

/** The command as a process of its own, with nothing of the tests' environment. */
const importPlan = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['src/cli/import-plan.ts', ...args],
      { env: { PATH: process.env.PATH, DATA_DIR: '/nowhere', ...env } },
      (_error, out, err) => resolve({ exitCode: child.exitCode ?? -1, out, err }),
    );
  });

const halls = Object.fromEntries(demoHalls().map(({ key, plan }) => [key, plan]));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seatkeeper-plans-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function planFile(name: string, content: PretixPlan | string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

function withTwoSeatsOfOneName(): PretixPlan {
  const plan = structuredClone(halls.studio!);
  const [first, second] = plan.zones[0]!.rows[2]!.seats;
  second!.seat_guid = first!.seat_guid;
  return plan;
}

describe('import-plan without a system', () => {
  it('describes a valid plan, and with --dry-run asks nobody', async () => {
    const { exitCode, out } = await importPlan([await planFile('studio.json', halls.studio!), '--dry-run']);
    expect(exitCode).toBe(0);
    expect(out).toContain('60 in 1 section, 6 rows');
    expect(out).toContain('6 runs of 10 seats side by side');
    expect(out).toContain('“Standard” 50 seats, “Recliner” 10 seats');
    expect(out).toContain('accessible  2 seats, and 2 seats for companions');
  });

  it('finds a file relative to where npm was called', async () => {
    await planFile('here.json', halls.studio!);
    expect((await importPlan(['here.json', '--dry-run'], { INIT_CWD: folder })).exitCode).toBe(0);
  });

  it('says that no system runs', async () => {
    const { exitCode, err } = await importPlan([await planFile('studio.json', halls.studio!)]);
    expect(exitCode).toBe(2);
    expect(err).toContain('No running system was found');
  });

  it('tells a file that is not there, one that is not JSON, and a wrong call from a wrong plan', async () => {
    expect(await importPlan([join(folder, 'none.json')])).toMatchObject({ exitCode: 2 });
    expect(await importPlan([])).toMatchObject({ exitCode: 2 });
    const { exitCode, err } = await importPlan([await planFile('half.json', '{"name": "Ha')]);
    expect(exitCode).toBe(1);
    expect(err).toContain('is not JSON');
  });
});

describe('import-plan and a system that does not behave', () => {
  let server: Server;
  const asked: string[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(request.url!);
      response.writeHead(500, { 'content-type': 'text/html' }).end('<h1>Oops</h1>');
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  });
  afterAll(() => new Promise((closed) => server.close(closed)));

  const api = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  it('sends nothing of a plan with a fault, and names every place of it', async () => {
    const file = await planFile('twice.json', withTwoSeatsOfOneName());
    const { exitCode, err } = await importPlan([file, '--api', api(), '--token', 'x']);
    expect(exitCode).toBe(1);
    expect(err).toContain('zones.0.rows.2.seats.0.seat_guid: seat id C1 is given to 2 seats');
    expect(err).toContain('zones.0.rows.2.seats.1.seat_guid: seat id C1 is given to 2 seats');
    expect(asked).toEqual([]);
  });

  it('says what it got instead of an answer', async () => {
    const { exitCode, err } = await importPlan([
      await planFile('s.json', halls.studio!),
      '--api',
      api(),
      '--token',
      'x',
    ]);
    expect(exitCode).toBe(2);
    expect(err).toContain('The system answered 500.');
  });
});

describe('import-plan into the running system', () => {
  const system = useTestSystem({ workers: 0, apis: 1 });
  const idIn = (out: string): string => /(?:Imported|already,) as (pln_[\w-]+)/.exec(out)![1]!;

  it('imports a plan as it is, once, however often it is sent', async () => {
    const file = await planFile('opera.json', halls.opera!);
    const token = await signStaffToken(testSecrets.JWT_SECRET, 'admin', 60);
    const first = await importPlan([file, '--api', system.apiUrls[0]!, '--token', token]);
    expect(first).toMatchObject({ exitCode: 0, err: '' });
    const stored = await findSeatingPlan(system.db, idIn(first.out));
    expect({ ok: true, plan: stored?.plan }).toEqual(parsePretixPlan(halls.opera));

    const second = await importPlan([file], { API_URL: `${system.apiUrls[0]}/api/v1/`, STAFF_TOKEN: token });
    expect(idIn(second.out)).toBe(idIn(first.out));
    expect(first.out).toContain('Imported as');
    expect(second.out).toContain('It was there already');
  });

  it('says what comes next', async () => {
    const token = await signStaffToken(testSecrets.JWT_SECRET, 'admin', 60);
    const [api] = system.apiUrls;
    const { out } = await importPlan([await planFile('n.json', halls['town-hall']!), '--api', api!, '--token', token]);
    expect(out).toContain(`POST ${api}/api/v1/admin/shows    {"seatingPlanId": "${idIn(out)}"`);
    expect((await fetch(`${api}/docs`)).status).toBe(200);
  });

  it('imports the largest hall of the demo catalogue', async () => {
    const token = await signStaffToken(testSecrets.JWT_SECRET, 'admin', 60);
    const file = await planFile('arena.json', halls.arena!);
    const { exitCode, out } = await importPlan([file, '--api', system.apiUrls[0]!, '--token', token]);
    expect(exitCode).toBe(0);
    expect((await findSeatingPlan(system.db, idIn(out)))?.layout.seatCount).toBeGreaterThan(10_000);
  });

  it('finds the system that runs on the data folder, and its secrets', async () => {
    const dataDir = system.env.DATA_DIR!;
    const [api] = system.apiUrls;
    const addresses = {
      api: api!,
      web: api!,
      temporalUi: null,
      paymentSimulator: api!,
      metrics: api!,
      mails: null,
      workerMetrics: api!,
      relayMetrics: api!,
    };
    writeRunState(dataDir, { status: 'ready', addresses, services: null, ports: {}, parts: [] });
    const secrets = { ...testSecrets, POSTGRES_PASSWORD: 'not asked for' };
    await writeFile(join(dataDir, 'secrets.json'), JSON.stringify(secrets));
    const { exitCode, out } = await importPlan([await planFile('hall.json', halls['town-hall']!)], {
      DATA_DIR: dataDir,
    });
    expect(exitCode).toBe(0);
    expect(await findSeatingPlan(system.db, idIn(out))).not.toBeNull();
  });

  it('says why it was refused', async () => {
    const token = await signStaffToken(testSecrets.JWT_SECRET, 'support', 60);
    const file = await planFile('hall.json', halls['town-hall']!);
    const { exitCode, err } = await importPlan([file, '--api', system.apiUrls[0]!, '--token', token]);
    expect(exitCode).toBe(2);
    expect(err).toContain('403 FORBIDDEN');
  });
});
