import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Client } from '@temporalio/client';
import type { ProcessSpec } from '../../src/platform/process-spec.ts';
import { createLogger, type Logger } from '../../src/platform/logger.ts';
import type * as ownProcesses from '../../src/main/own-processes.ts';
import type * as migrations from '../../src/read-model/migrate.ts';
import { createDatabase, type ReadModel } from '../../src/read-model/database.ts';
import { openDataFolder } from '../../src/supervisor/data-folder.ts';
import { prepareEmbeddedPostgres } from '../../src/supervisor/postgres/embedded-postgres.ts';
import type { OwnProcessSpec } from '../../src/supervisor/supervised-part.ts';
import { connectClient } from '../../temporal/connection.ts';
import { makeCurrent } from '../../temporal/worker-deployment.ts';
import { temporalPortNames, type TemporalPorts, type TemporalProfile } from '../../temporal/server/contract.ts';
import { defaultCacheDir } from '../../temporal/server/obtain.ts';
import { prepareTemporal } from '../../temporal/server/prepare.ts';
import { TemporalWorkflowClient } from '../../temporal/workflow-client.ts';
import { freePort } from '../setup/free-port.ts';
import { ClusterProcess, type ClusterProcessSpec } from './cluster-process.ts';
import { obtainToxiproxy, Proxy, toxiproxyProcess } from './toxiproxy.ts';
import { WebhookPost } from './webhook-post.ts';

/** No other system takes them. */
export const chaosSecrets = {
  JWT_SECRET: 'a-secret-of-the-chaos-runs-for-tokens',
  PAYMENT_WEBHOOK_SECRET: 'a-secret-of-the-chaos-runs-for-webhooks',
  TICKET_SIGNING_KEY: 'a-secret-of-the-chaos-runs-for-tickets',
};

/** Short: a hold that nobody pays ends several times in a run, and what is stuck is known to be so within a minute. */
export const times = { holdTtlMs: 8_000, paymentDeadlineMs: 8_000 };

const sale = {
  HOLD_TTL_SECONDS: String(times.holdTtlMs / 1_000),
  HOLD_EXTENSIONS_MAX: '2',
  PAYMENT_DEADLINE_SECONDS: String(times.paymentDeadlineMs / 1_000),
  RATE_LIMIT: 'off',
  /** It would set right what is to be found. */
  RECONCILIATION_SCHEDULE: 'off',
  WEBHOOK_PRIVATE_TARGETS: 'allowed',
};

/** A show goes on in a new run after so many events: several times in a minute, instead of once in ten. */
const EVENTS_OF_A_RUN = 400;

export interface ClusterOptions {
  /** The folder whose `src/main` is run: this tree, or a copy of it that was broken on purpose. */
  readonly root: string;
  /** Of another version of the service: the second worker runs it while the fault `two-versions` lasts. */
  readonly otherRoot?: string;
  readonly profile?: TemporalProfile;
  /** Settings that differ. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where the data are, if not in a folder for temporary files. */
  readonly dataParent?: string;
}

/** What `WORKER_BUILD_ID` calls the code of `root`. */
export const PRESENT_BUILD = 'present';

/** What a process of ours reaches others through. */
export interface Ways {
  readonly postgres: Proxy;
  readonly temporal: Proxy;
  /** Of workers alone. */
  readonly provider?: Proxy;
}

const ours = ['api-1', 'api-2', 'worker-1', 'worker-2', 'relay'] as const;
export type OwnName = (typeof ours)[number];
export type PartName = OwnName | 'payment-simulator' | 'temporal' | 'postgres';

/** That a process dies or stands still at a point. */
export interface Order {
  /** The process that has carried it out, by its pid; null: none yet. */
  takenBy(): number | null;
  /** Nobody carries it out from now on. The same of one that has done so before. */
  takeBack(): number | null;
}

/** The whole system as separate processes, each of which can be killed, stopped and cut off by name. */
export class Cluster {
  readonly options: ClusterOptions;
  readonly dataDir: string;
  readonly pointsDir: string;
  readonly log: Logger = createLogger('chaos', process.env.LOG_LEVEL === 'debug' ? 'debug' : 'warn');
  readonly #parts = new Map<PartName | 'toxiproxy', ClusterProcess>();
  readonly #ways = new Map<OwnName, Ways>();
  /** What a worker runs from its next start on, where it is not the present build. */
  readonly deployed = new Map<OwnName, { readonly root: string; readonly buildId: string }>();
  readonly #metricsPorts = new Map<OwnName, number>();
  #envBesides: Environment = {};
  #unlock: (() => void) | null = null;
  apis: readonly string[] = [];
  databaseUrl = '';
  temporalAddress = '';
  simulatorUrl = '';
  db!: ReadModel;
  temporal!: Client;
  workflows!: TemporalWorkflowClient;
  post!: WebhookPost;

  private constructor(options: ClusterOptions) {
    this.options = options;
    this.dataDir = mkdtempSync(join(options.dataParent ?? tmpdir(), 'seatkeeper-chaos-'));
    this.pointsDir = join(this.dataDir, 'points');
    mkdirSync(this.pointsDir, { recursive: true });
  }

  static async start(options: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster(options);
    try {
      await cluster.#start();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  part(name: PartName): ClusterProcess {
    return this.#parts.get(name)!;
  }

  ways(name: OwnName): Ways {
    return this.#ways.get(name)!;
  }

  metricsUrl(name: OwnName): string {
    return `http://127.0.0.1:${this.#metricsPorts.get(name)}/metrics`;
  }

  get ownNames(): readonly OwnName[] {
    return ours;
  }

  /** Orders that a process dies or stands still where it passes the point next. */
  order(signal: 'SIGKILL' | 'SIGSTOP', point: string): Order {
    const name = `${signal} ${point} #${++this.#orders}`;
    const file = join(this.pointsDir, name);
    writeFileSync(file, '');
    const takenBy = (): number | null => {
      const taken = readdirSync(this.pointsDir).find(
        (each) => each.startsWith('taken by ') && each.endsWith(` ${name}`),
      );
      return taken === undefined ? null : Number(taken.split(' ')[2]);
    };
    return {
      takenBy,
      takeBack() {
        rmSync(file, { force: true });
        return takenBy();
      },
    };
  }

  /** Everything runs, is reachable, and goes on. */
  async heal(): Promise<void> {
    for (const name of readdirSync(this.pointsDir)) rmSync(join(this.pointsDir, name), { force: true });
    for (const part of this.#parts.values()) part.goOn();
    for (const { postgres, temporal, provider } of this.#ways.values()) {
      await Promise.all([postgres.heal(), temporal.heal(), provider?.heal()]);
    }
    this.post.carryWell();
    await this.#deployThePresent();
    await Promise.all([...this.#parts.values()].map((part) => part.isReady()));
  }

  /** What each part has said last, oldest first. */
  get lines(): ReadonlyMap<string, readonly string[]> {
    return new Map([...this.#parts].map(([name, { lines }]) => [name, lines]));
  }

  /** Deploys API processes and workers anew, with this besides their settings: `NODE_OPTIONS`, say. */
  async redeploy(envBesides: Environment): Promise<void> {
    this.#envBesides = envBesides;
    await Promise.all(ours.filter((name) => name !== 'relay').map((name) => this.part(name).restart()));
  }

  async #deployThePresent(): Promise<void> {
    if (this.deployed.size === 0) return;
    const others = [...this.deployed.keys()];
    this.deployed.clear();
    await Promise.all(others.map((name) => this.part(name).restart()));
    await makeCurrent(this.temporal, PRESENT_BUILD);
  }

  async stop(): Promise<void> {
    await this.temporal?.connection.close().catch(() => undefined);
    await this.db?.destroy().catch(() => undefined);
    const last = ['temporal', 'postgres', 'toxiproxy'] as const;
    const first = [...this.#parts].filter(([name]) => !(last as readonly string[]).includes(name));
    await Promise.all(first.map(([, part]) => part.stop()));
    for (const name of last) await this.#parts.get(name)?.stop();
    this.post?.close();
    this.#unlock?.();
    for (const folder of [this.dataDir, this.#databaseFolder]) rmSync(folder, { recursive: true, force: true });
  }

  #databaseFolder = '';
  #orders = 0;

  async #start(): Promise<void> {
    const binary = await obtainToxiproxy(process.env, this.log);
    const controlPort = await freePort();
    await this.#add('toxiproxy', () => toxiproxyProcess(binary, controlPort));
    await this.#startPostgres();
    this.temporalAddress = await this.#startTemporal();
    const simulatorPort = await freePort();
    this.simulatorUrl = `http://127.0.0.1:${simulatorPort}`;
    await this.#openWays(`http://127.0.0.1:${controlPort}`, {
      postgres: new URL(this.databaseUrl).host,
      temporal: this.temporalAddress,
      provider: `127.0.0.1:${simulatorPort}`,
    });
    await this.#startOurs(simulatorPort);
    await makeCurrent(this.temporal, PRESENT_BUILD);
  }

  async #openWays(control: string, to: Readonly<Record<keyof Ways, string>>): Promise<void> {
    for (const name of ours) {
      const way = async (server: keyof Ways) =>
        Proxy.open(control, `${name}-${server}`, `127.0.0.1:${await freePort()}`, to[server]);
      this.#ways.set(name, {
        postgres: await way('postgres'),
        temporal: await way('temporal'),
        ...(name.startsWith('worker') && { provider: await way('provider') }),
      });
    }
  }

  async #startOurs(simulatorPort: number): Promise<void> {
    const apiPorts = [await freePort(), await freePort()];
    this.apis = apiPorts.map((port) => `http://127.0.0.1:${port}`);
    this.post = await WebhookPost.open(await freePort(), this.apis, chaosSecrets.PAYMENT_WEBHOOK_SECRET);
    for (const name of ours) this.#metricsPorts.set(name, await freePort());
    const specs = await ownSpecs(this.options.root);
    const env = {
      ...{ ...chaosSecrets, ...sale, ...this.options.settings },
      NODE_ENV: 'development',
      DATA_DIR: this.dataDir,
      TEMPORAL_NAMESPACE: 'default',
      PAYMENT_SIMULATOR_PORT: String(simulatorPort),
      PAYMENT_SIMULATOR_PUBLIC_URL: this.simulatorUrl,
      PAYMENT_WEBHOOK_URL: this.post.url,
      CHAOS_POINTS_DIR: this.pointsDir,
    };
    const specOf = (name: OwnName) => (): ClusterProcessSpec => {
      const place = { port: this.#metricsPorts.get(name)!, url: this.metricsUrl(name) };
      const kind = name.split('-')[0] as 'api' | 'worker' | 'relay';
      const PORT = String(apiPorts[name === 'api-2' ? 1 : 0]);
      const spec = specs[kind](place, { ...env, PORT, ...this.#envOf(name) });
      return fromRoot(spec, name, this.deployed.get(name)?.root ?? this.options.root, kind);
    };
    await this.#add('payment-simulator', () => specs.simulator(env));
    await Promise.all(ours.map((name) => this.#add(name, specOf(name))));
  }

  /** What differs from one process to the next, and from one start to the next. */
  #envOf(name: OwnName): Environment {
    const { postgres, temporal, provider } = this.ways(name);
    return {
      DATABASE_URL: through(postgres, this.databaseUrl),
      TEMPORAL_ADDRESS: temporal.address,
      PAYMENT_GATEWAY_URL: provider ? `http://${provider.address}` : this.simulatorUrl,
      ...(name.startsWith('worker') && { WORKER_BUILD_ID: this.deployed.get(name)?.buildId ?? PRESENT_BUILD }),
      ...(name !== 'relay' && this.#envBesides),
    };
  }

  async #startPostgres(): Promise<void> {
    const folder = await openDataFolder({ DATA_DIR: this.dataDir }, this.options.root, this.log);
    this.#unlock = () => folder.unlock();
    const port = await freePort();
    const postgres = await prepareEmbeddedPostgres({
      dataFolder: folder,
      port,
      password: 'chaos',
      log: this.log,
    });
    // Where its user cannot reach the data folder, the cluster is elsewhere.
    this.#databaseFolder = join(postgres.process.args[1]!, '..');
    if (this.#databaseFolder.startsWith(this.dataDir)) this.#databaseFolder = this.dataDir;
    await this.#add('postgres', () => postgres.process);
    await postgres.afterStart();
    this.databaseUrl = postgres.databaseUrl;
    const { migrateToLatest } = (await import(
      pathToFileURL(join(this.options.root, 'src/read-model/migrate.ts')).href
    )) as typeof migrations;
    await migrateToLatest(this.databaseUrl, this.log);
    this.db = createDatabase(this.databaseUrl, { poolMax: 8, log: { warn: () => undefined, info: () => undefined } });
  }

  async #startTemporal(): Promise<string> {
    const { profile = 'dev' } = this.options;
    const ports: Record<string, number> = {};
    for (const name of temporalPortNames[profile]) ports[name] = await freePort();
    const both = {
      dataDir: this.dataDir,
      cacheDir: defaultCacheDir(process.env),
      namespace: 'default',
      log: this.log,
      env: { ...process.env, TEMPORAL_ADDRESS: '' },
    };
    const prepared = await prepareTemporal(
      profile === 'dev'
        ? { ...both, profile, ports: ports as unknown as TemporalPorts<'dev'> }
        : {
            ...both,
            profile,
            ports: ports as unknown as TemporalPorts<'server'>,
            databaseUrl: this.databaseUrl,
          },
    );
    await prepared.prepare();
    const server = withShortRuns(prepared.processes[0]!, profile);
    await this.#add('temporal', () => server);
    await prepared.afterStart();
    this.temporal = await connectClient({ address: prepared.address, namespace: 'default' });
    this.workflows = new TemporalWorkflowClient(this.temporal);
    return prepared.address;
  }

  async #add(name: PartName | 'toxiproxy', spec: () => ClusterProcessSpec): Promise<void> {
    const part = new ClusterProcess(name, spec);
    this.#parts.set(name, part);
    await part.start();
  }
}

const through = ({ address }: Proxy, databaseUrl: string): string => {
  const url = new URL(databaseUrl);
  url.host = address;
  return url.href;
};

/** The development server takes it as an argument; the other one has a file of its own, whose values stay as they are. */
const withShortRuns = (spec: ProcessSpec, profile: TemporalProfile): ProcessSpec =>
  profile === 'server'
    ? spec
    : {
        ...spec,
        args: [...spec.args, '--dynamic-config-value', `limit.historyCount.suggestContinueAsNew=${EVENTS_OF_A_RUN}`],
      };

type Environment = Readonly<Record<string, string>>;

/** How `npm start` of that root runs its processes: with the flags of production. */
async function ownSpecs(root: string) {
  const url = pathToFileURL(join(root, 'src/main/own-processes.ts')).href;
  const { apiProcesses, workerProcesses, relayProcesses, paymentSimulatorProcess } = (await import(
    url
  )) as typeof ownProcesses;
  type Place = Parameters<typeof apiProcesses>[0][number];
  return {
    // A line for each request would be most of what it does.
    api: (place: Place, env: Environment) => apiProcesses([place], { ...env, LOG_LEVEL: 'warn' })[0]!,
    worker: (place: Place, env: Environment) => workerProcesses([place], env)[0]!,
    relay: (place: Place, env: Environment) => relayProcesses([place], env)[0]!,
    simulator: (env: Environment): OwnProcessSpec => paymentSimulatorProcess(env),
  };
}

/** API and worker come in by entries of the harness, which are the service's own but for the named points. */
function fromRoot(
  spec: ClusterProcessSpec,
  name: string,
  root: string,
  kind: 'api' | 'worker' | 'relay',
): ClusterProcessSpec {
  const entry = kind === 'relay' ? join(root, 'src/main/relay.ts') : join(root, 'test/chaos/points', `${kind}.ts`);
  return { ...spec, name, cwd: root, args: [...spec.args.slice(0, -1), entry] };
}
