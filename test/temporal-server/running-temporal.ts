import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Client, Connection } from '@temporalio/client';
import type { ProcessSpec } from '../../src/platform/process-spec.ts';
import { freePort } from '../setup/free-port.ts';
import { temporalPortNames, type PreparedTemporal, type TemporalPortName } from '../../temporal/server/contract.ts';

/** Ports for a profile, free now. */
export async function freePorts<Profile extends 'dev' | 'server'>(
  profile: Profile,
): Promise<Record<TemporalPortName<Profile>, number>> {
  const names: readonly string[] = temporalPortNames[profile];
  const ports = await Promise.all(names.map(() => freePort()));
  return Object.fromEntries(names.map((name, at) => [name, ports[at]])) as Record<TemporalPortName<Profile>, number>;
}

/** What runs in a test, in the place of the supervisor. */
export class RunningTemporal {
  readonly #children = new Map<string, ChildProcess>();
  readonly #prepared: PreparedTemporal;

  constructor(prepared: PreparedTemporal) {
    this.#prepared = prepared;
  }

  async start(): Promise<void> {
    await this.#prepared.prepare();
    await this.startProcesses();
    await this.#prepared.afterStart();
  }

  async startProcesses(): Promise<void> {
    for (const spec of this.#prepared.processes) await this.#run(spec);
  }

  /** As a power cut or the kernel does it. */
  async kill(): Promise<void> {
    await this.#end(() => 'SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#end(({ stopSignal }) => stopSignal);
  }

  async withClient<Result>(work: (client: Client) => Promise<Result>): Promise<Result> {
    const connection = await Connection.connect({ address: this.#prepared.address });
    try {
      return await work(new Client({ connection }));
    } finally {
      await connection.close();
    }
  }

  async #run(spec: ProcessSpec): Promise<void> {
    const child = spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: { ...process.env, ...spec.env },
      stdio: 'ignore',
    });
    this.#children.set(spec.name, child);
    const ended = new AbortController();
    child.once('exit', () => ended.abort());
    await spec.ready(ended.signal);
  }

  async #end(signalOf: (spec: ProcessSpec) => NodeJS.Signals): Promise<void> {
    const ended = this.#prepared.processes.map(async (spec) => {
      const child = this.#children.get(spec.name);
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill(signalOf(spec));
      await exit;
    });
    await Promise.all(ended);
  }
}
