import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Logger } from '../../src/platform/logger.ts';
import { goInstall, isExecutable } from '../../temporal/server/go-install.ts';
import { defaultCacheDir } from '../../temporal/server/obtain.ts';
import type { Tool } from '../../temporal/server/tools.ts';
import { eventually } from '../setup/eventually.ts';
import { freePort } from '../setup/free-port.ts';

/** Stripe's own stand-in: it has no state, but takes only calls that fit Stripe's published description of its API. */
const stripeMock: Tool = {
  name: 'stripe-mock',
  version: '0.203.0',
  goPackage: 'github.com/stripe/stripe-mock',
  goBinary: 'stripe-mock',
  override: 'STRIPE_MOCK_BIN',
};

/** Named by `STRIPE_MOCK_BIN`, in the user's cache, or built from its Go module; otherwise why it can't be had. */
export async function obtainStripeMock(log: Logger): Promise<{ readonly file: string } | { readonly reason: string }> {
  const { env } = process;
  const named = env[stripeMock.override];
  if (named) return { file: named };
  const folder = `${stripeMock.name}-${stripeMock.version}-${process.platform}-${process.arch}`;
  const file = join(defaultCacheDir(env), folder, stripeMock.name);
  if (await isExecutable(file)) return { file };
  const reason = await goInstall(stripeMock, file, { env, log });
  return reason === null ? { file } : { reason };
}

export interface RunningStripeMock {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startStripeMock(file: string): Promise<RunningStripeMock> {
  const port = await freePort();
  const child: ChildProcess = spawn(file, ['-http-addr', `127.0.0.1:${port}`], { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  await eventually(() => fetch(url));
  return {
    url,
    async stop() {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}
