import pLimit from 'p-limit';
import { join } from 'node:path';
import { goInstall, isExecutable } from '../../temporal/server/go-install.ts';
import { defaultCacheDir } from '../../temporal/server/obtain.ts';
import type { Tool } from '../../temporal/server/tools.ts';
import type { Logger } from '../../src/platform/logger.ts';
import type { ProcessSpec } from '../../src/platform/process-spec.ts';

/** What connections are cut, slowed and held by. */
const toxiproxy: Tool = {
  name: 'toxiproxy',
  version: '2.12.0',
  goPackage: 'github.com/Shopify/toxiproxy/v2/cmd/server',
  goBinary: 'server',
  override: 'TOXIPROXY_BIN',
};

const CALL_TIMEOUT_MS = 5_000;
const POLL_MS = 50;

/** Its binary: named by `TOXIPROXY_BIN`, in the cache, or built from its pinned Go module in half a minute. */
export async function obtainToxiproxy(env: NodeJS.ProcessEnv, log: Logger): Promise<string> {
  const named = env[toxiproxy.override];
  if (named) return named;
  const folder = `${toxiproxy.name}-${toxiproxy.version}-${process.platform}-${process.arch}`;
  const file = join(defaultCacheDir(env), folder, toxiproxy.name);
  if (await isExecutable(file)) return file;
  const failure = await goInstall(toxiproxy, file, { env, log });
  if (failure === null) return file;
  throw new Error(`toxiproxy could not be had (${failure}): install Go 1.24 or newer, or set ${toxiproxy.override}`);
}

export const toxiproxyProcess = (binary: string, port: number): ProcessSpec => ({
  name: 'toxiproxy',
  command: binary,
  args: ['-host', '127.0.0.1', '-port', String(port)],
  env: { LOG_LEVEL: 'error' },
  async ready(signal) {
    const url = `http://127.0.0.1:${port}/version`;
    for (;;) {
      const answer = await fetch(url, { signal }).catch(() => null);
      if (answer?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      signal.throwIfAborted();
    }
  },
  stopSignal: 'SIGTERM',
  stopTimeoutMs: 5_000,
});

/**
 * What may be done to a connection. `cut`: it ends, and no new one is taken. `slow`: each answer is late. `half-open`: it stays,
 * and nothing comes through any more. `answers held`: what is asked comes through, and no answer.
 */
export type Trouble =
  | { readonly kind: 'cut' }
  | { readonly kind: 'slow'; readonly latencyMs: number; readonly jitterMs: number }
  | { readonly kind: 'half-open' }
  | { readonly kind: 'answers held' };

/** One way from a process of ours to a server. */
export class Proxy {
  readonly name: string;
  readonly address: string;
  readonly #control: string;
  readonly #upstream: string;
  readonly #oneAtATime = pLimit(1);
  #toxics = 0;

  private constructor(control: string, name: string, address: string, upstream: string) {
    this.#control = control;
    this.name = name;
    this.address = address;
    this.#upstream = upstream;
  }

  static async open(control: string, name: string, listen: string, upstream: string): Promise<Proxy> {
    const proxy = new Proxy(control, name, listen, upstream);
    await proxy.#make();
    return proxy;
  }

  trouble(trouble: Trouble): Promise<void> {
    return this.#oneAtATime(() => this.#trouble(trouble));
  }

  async #trouble(trouble: Trouble): Promise<void> {
    if (trouble.kind === 'cut') return this.#enable(false);
    for (const stream of trouble.kind === 'half-open' ? ['upstream', 'downstream'] : ['downstream']) {
      const toxic =
        trouble.kind === 'slow'
          ? { type: 'latency', attributes: { latency: trouble.latencyMs, jitter: trouble.jitterMs } }
          : { type: 'timeout', attributes: { timeout: 0 } };
      await call(`${this.#url}/toxics`, 'POST', {
        ...toxic,
        name: `${stream}-${++this.#toxics}`,
        stream,
      });
    }
  }

  /**
   * Takes all trouble away. Connections on which something was held are ended: bytes are missing in them, as when a network comes
   * back and the peer has forgotten them; and so are all where one of them cannot be freed.
   */
  heal(): Promise<void> {
    return this.#oneAtATime(() => this.#heal());
  }

  async #heal(): Promise<void> {
    try {
      await this.#takeAway();
    } catch (error) {
      // Where somebody does not read, toxiproxy tries for five seconds with each packet that it has held (`RemoveToxic` of 2.12).
      if (!(error instanceof DOMException && error.name === 'TimeoutError')) throw error;
      await call(this.#url, 'DELETE');
      await this.#make();
    }
  }

  async #takeAway(): Promise<void> {
    const toxics = (await call(`${this.#url}/toxics`, 'GET')) as {
      readonly name: string;
      readonly type: string;
    }[];
    if (toxics.some(({ type }) => type === 'timeout')) await this.#enable(false);
    for (const { name } of toxics) await call(`${this.#url}/toxics/${name}`, 'DELETE');
    await this.#enable(true);
  }

  get #url(): string {
    return `${this.#control}/proxies/${this.name}`;
  }

  async #make(): Promise<void> {
    const { name, address: listen } = this;
    await call(`${this.#control}/proxies`, 'POST', { name, listen, upstream: this.#upstream, enabled: true });
  }

  #enable(enabled: boolean): Promise<void> {
    return call(this.#url, 'POST', { enabled }).then(() => undefined);
  }
}

async function call(url: string, method: string, body?: unknown): Promise<unknown> {
  const response = await fetch(url, {
    method,
    body: body === undefined ? undefined : JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
    signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return text === '' ? null : JSON.parse(text);
}
