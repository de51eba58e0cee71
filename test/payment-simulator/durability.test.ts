import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { newId } from '../../src/platform/ids.ts';
import {
  client,
  endAllSimulators,
  eventually,
  newDataDir,
  simulatorEnvironment,
  simulatorMain,
  startSimulator,
  startTimeoutMs,
} from './simulator-process.ts';
import { receiveWebhooks, type WebhookReceiver } from './webhook-receiver.ts';

let webhooks: WebhookReceiver;

beforeAll(async () => {
  webhooks = await receiveWebhooks();
});

afterAll(async () => {
  await endAllSimulators();
  await webhooks.close();
});

it(
  'a kill between the charge and its answer keeps the charge',
  async () => {
    const first = await startSimulator();
    const key = newId('pay');
    const unanswered = client(first.url).charge({ key, token: 'tok_timeout_charged' });
    const lost = expect(unanswered).rejects.toThrow();
    const before = await eventually(
      () => client(first.url).ledger(),
      (entries) => entries.length === 1,
    );
    await first.end('SIGKILL');
    await lost;

    const second = client((await startSimulator({ dataDir: first.dataDir })).url);
    expect(await second.ledger()).toEqual(before);
    expect((await second.charge({ key })).body).toMatchObject({ status: 'captured', id: before[0]!.id });
    expect(await second.ledger()).toHaveLength(1);
  },
  startTimeoutMs,
);

it(
  'killed in the middle of a storm, it forgets nothing that it had answered and repeats nothing',
  async () => {
    const first = await startSimulator();
    const answered = new Map<string, string>();
    const sent: string[] = [];
    const buyer = async () => {
      for (;;) {
        const key = newId('pay');
        sent.push(key);
        const { body } = await client(first.url).charge({ key });
        answered.set(key, body.id);
        if (answered.size === 300) void first.end('SIGKILL');
      }
    };
    await Promise.allSettled(Array.from({ length: 32 }, buyer));

    const second = client((await startSimulator({ dataDir: first.dataDir })).url);
    const ledger = await second.ledger();
    const charged = new Map(ledger.map((entry) => [entry.attemptId, entry.id]));
    for (const [key, id] of answered) expect(charged.get(key)).toBe(id);
    const repeats = await Promise.all(sent.map((key) => second.charge({ key })));
    expect(repeats.every((repeat) => repeat.body.status === 'captured')).toBe(true);
    expect(new Set((await second.ledger()).map((entry) => entry.attemptId))).toEqual(new Set(sent));
    expect(await second.ledger()).toHaveLength(sent.length);
  },
  startTimeoutMs,
);

it(
  'what was pending when it was killed ends after the restart, and is told',
  async () => {
    const first = await startSimulator({ webhookUrl: webhooks.url });
    const tokens = ['tok_pending', 'tok_pending_fail', 'tok_slow'];
    const keys = new Map(tokens.map((token) => [token, newId('pay')]));
    const provider = client(first.url);
    const calls = tokens.map((token) => provider.charge({ key: keys.get(token)!, token }));
    const slow = expect(calls[2]).rejects.toThrow();
    await calls[0];
    await calls[1];
    await eventually(
      () => provider.find(keys.get('tok_slow')!),
      (found) => found.status === 200,
    );
    await first.end('SIGKILL');
    await slow;

    await startSimulator({ dataDir: first.dataDir, webhookUrl: webhooks.url });
    const types = await Promise.all(
      tokens.map(async (token) => (await webhooks.about(keys.get(token)!))[0]!.body.type),
    );
    expect(types).toEqual(['payment.succeeded', 'payment.failed', 'payment.succeeded']);
  },
  startTimeoutMs,
);

it(
  'a webhook that nobody took is sent again after a restart, as the same event',
  async () => {
    webhooks.answer = () => 503;
    const first = await startSimulator({ webhookUrl: webhooks.url });
    const key = newId('pay');
    const { body } = await client(first.url).charge({ key, token: 'tok_redirect' });
    await fetch(body.nextAction!.url, { method: 'POST' });
    await webhooks.about(key);
    await first.end('SIGKILL');

    webhooks.answer = () => 200;
    const second = await startSimulator({ dataDir: first.dataDir, webhookUrl: webhooks.url });
    const told = await webhooks.about(key, 2);
    expect(told.at(-1)!.body).toEqual(told[0]!.body);
    // Taken now: a further start has nothing to send.
    await second.end('SIGTERM');
    const count = (await webhooks.about(key)).length;
    const third = await startSimulator({ dataDir: first.dataDir, webhookUrl: webhooks.url });
    const marker = await client(third.url).charge({ token: 'tok_redirect', key: `${key}-marker` });
    await fetch(marker.body.nextAction!.url, { method: 'POST' });
    await webhooks.about(`${key}-marker`);
    expect(await webhooks.about(key)).toHaveLength(count);
  },
  startTimeoutMs,
);

describe('the process', () => {
  it(
    'ends cleanly on SIGTERM, cutting off whom it would never have answered',
    async () => {
      const simulator = await startSimulator();
      const silent = client(simulator.url).charge({ token: 'tok_timeout_not_charged' });
      const cutOff = expect(silent).rejects.toThrow();
      await client(simulator.url).charge();
      expect(await simulator.end('SIGTERM')).toBe(0);
      await cutOff;
    },
    startTimeoutMs,
  );

  it(
    'does not start a second time on the same books, and says why',
    async () => {
      const { dataDir } = await startSimulator();
      await expect(startSimulator({ dataDir })).rejects.toThrow(
        'Another payment simulator runs on the same data folder',
      );
    },
    startTimeoutMs,
  );

  it(
    'ends when the parent that started it is killed',
    async () => {
      const script = `require('child_process').spawn(process.execPath, [${JSON.stringify(simulatorMain)}],
        { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })`;
      const parent = spawn(process.execPath, ['-e', script], {
        env: simulatorEnvironment({ dataDir: newDataDir() }),
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let output = '';
      for await (const chunk of parent.stdout.setEncoding('utf8') as AsyncIterable<string>) {
        output += chunk;
        if (chunk.includes('"ready"')) parent.kill('SIGKILL');
      }
      // The pipe ends when the last process that holds it does.
      expect(output).toContain('the parent process is gone');
      if (parent.exitCode === null && parent.signalCode === null) await once(parent, 'exit');
    },
    startTimeoutMs,
  );
});
