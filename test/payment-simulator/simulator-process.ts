import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { newId } from '../../src/platform/ids.ts';

export const webhookSecret = 'a webhook secret of the tests, long enough';
/** Short, so that the late token's webhook comes within seconds. */
export const paymentDeadlineMs = 1_000;
/** The longest that starting a process may take on a busy machine. */
export const startTimeoutMs = 20_000;

export const simulatorMain = join(import.meta.dirname, '../../src/main/payment-simulator.ts');

/** Folders that tests leave to the file's `afterAll`. */
const folders: string[] = [];
const running = new Set<ChildProcess>();

export interface SimulatorProcess {
  readonly url: string;
  readonly pid: number;
  readonly dataDir: string;
  readonly port: number;
  /** Sends the signal and resolves with the exit code once the process is gone; null when a signal ended it. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

export interface StartOptions {
  readonly dataDir?: string;
  readonly port?: number;
  readonly webhookUrl?: string;
}

export function newDataDir(): string {
  const folder = mkdtempSync(join(tmpdir(), 'seatkeeper-simulator-'));
  folders.push(folder);
  return folder;
}

export function simulatorEnvironment({ dataDir, port = 0, webhookUrl }: StartOptions): NodeJS.ProcessEnv {
  return {
    ...process.env,
    LOG_LEVEL: 'info',
    DATA_DIR: dataDir,
    PAYMENT_SIMULATOR_PORT: `${port}`,
    // Port 9 (discard): nobody listens where no webhook is expected.
    PAYMENT_WEBHOOK_URL: webhookUrl ?? 'http://127.0.0.1:9',
    PAYMENT_WEBHOOK_SECRET: webhookSecret,
    PAYMENT_DEADLINE_SECONDS: `${paymentDeadlineMs / 1_000}`,
  };
}

/** Starts the real process; resolves once it answers. */
export async function startSimulator(options: StartOptions = {}): Promise<SimulatorProcess> {
  const dataDir = options.dataDir ?? newDataDir();
  const child = spawn(process.execPath, [simulatorMain], {
    env: simulatorEnvironment({ ...options, dataDir }),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.add(child);
  const exited = once(child, 'exit').then(([code]: (number | null)[]) => code ?? null);
  void exited.then(() => running.delete(child));
  const url = await readyUrl(child);
  return {
    url,
    pid: child.pid!,
    dataDir,
    port: Number(new URL(url).port),
    async end(signal) {
      child.kill(signal);
      return exited;
    },
  };
}

async function readyUrl(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const entry = JSON.parse(line) as { msg: string; url: string; reason?: string };
    if (entry.reason !== undefined) throw new Error(entry.reason);
    if (entry.msg !== 'ready') continue;
    // Read on, or the process would stop at a full pipe.
    child.stdout!.resume();
    return entry.url;
  }
  throw new Error('the simulator ended before it was ready');
}

/** For `afterAll`: no process and no folder outlives its tests. */
export async function endAllSimulators(): Promise<void> {
  await Promise.all(
    [...running].map(async (child) => {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }),
  );
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

export interface ChargeCall {
  readonly key?: string;
  readonly token?: string;
  readonly amount?: number;
  readonly bookingId?: string;
  readonly provider?: string;
  readonly timeoutMs?: number | undefined;
  /** Of a caller who hangs up. */
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly body: {
    readonly id: string;
    readonly status: string;
    readonly reason?: string;
    readonly nextAction?: { readonly type: string; readonly url: string };
    readonly error?: { readonly code: string };
  };
}

/** The provider as its own HTTP clients see it. */
export const client = (url: string) => ({
  async charge(call: ChargeCall = {}): Promise<Answer> {
    const { key = newId('pay'), token = 'tok_ok', amount = 125_000, bookingId = 'bkg_1' } = call;
    const body = { bookingId, amount: { amount, currency: 'INR' }, method: 'card', token };
    return post(`${url}/v1/${call.provider ?? 'simulator'}/charges`, body, key, call);
  },
  find: (key: string, provider = 'simulator'): Promise<Answer> =>
    get(`${url}/v1/${provider}/charges?idempotencyKey=${encodeURIComponent(key)}`),
  void: (key: string, provider = 'simulator'): Promise<Answer> =>
    post(`${url}/v1/${provider}/charges/void`, { idempotencyKey: key }),
  refund: (chargeKey: string, key: string, amount = 125_000): Promise<Answer> =>
    post(`${url}/v1/simulator/refunds`, { chargeKey, amount: { amount, currency: 'INR' } }, key),
  findRefund: (key: string): Promise<Answer> => get(`${url}/v1/simulator/refunds?idempotencyKey=${key}`),
  async ledger(since?: string, query: Readonly<Record<string, string>> = {}): Promise<LedgerItem[]> {
    const search = new URLSearchParams({ ...(since !== undefined && { since }), ...query });
    return (await getJson<LedgerPage>(`${url}/ledger?${search.toString()}`)).items;
  },
  ledgerPage: (query: Readonly<Record<string, string>>): Promise<LedgerPage> =>
    getJson(`${url}/ledger?${new URLSearchParams(query).toString()}`),
});

export interface LedgerPage {
  readonly items: LedgerItem[];
  readonly nextCursor: string | null;
}

export interface LedgerItem {
  readonly id: string;
  readonly kind: 'charge' | 'refund';
  readonly provider: string;
  readonly bookingId: string;
  readonly attemptId: string;
  readonly refundId: string | null;
  readonly amount: { readonly amount: number; readonly currency: string };
  readonly at: string;
}

const getJson = async <Body>(url: string): Promise<Body> => (await fetch(url)).json() as Promise<Body>;

async function get(url: string): Promise<Answer> {
  const response = await fetch(url);
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

async function post(
  url: string,
  body: unknown,
  key?: string,
  { timeoutMs = 15_000, signal }: Pick<ChargeCall, 'timeoutMs' | 'signal'> = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { 'idempotency-key': key }) },
    body: JSON.stringify(body),
    signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]),
  });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

/** Asks again until the answer is as wanted; for what the provider does in its own time. */
export async function eventually<T>(
  ask: () => Promise<T>,
  wanted: (answer: T) => boolean,
  withinMs = 8_000,
): Promise<T> {
  const untilMs = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (wanted(answer)) return answer;
    if (Date.now() > untilMs) throw new Error(`still not as wanted: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
