import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { prepareEmbeddedPostgres } from '../../src/supervisor/postgres/embedded-postgres.ts';
import { createOutput } from '../../src/supervisor/output.ts';
import { openDataFolder } from '../../src/supervisor/data-folder.ts';
import { reservePort } from '../../src/supervisor/ports.ts';
import { loadSecrets } from '../../src/supervisor/secrets.ts';
import { Supervisor } from '../../src/supervisor/supervisor.ts';
import { httpFront } from './http-front.ts';
import { peerNames, type PeerHost, type PeerName, type SeatSeller } from './peer.ts';

/** One peer: its HTTP front and its own code in this process, its servers below it. Arguments: name, data folder. */
const [name, dataDir] = process.argv.slice(2) as [PeerName, string];
if (!peerNames.includes(name) || !dataDir) throw new Error(`Usage: peer-process.ts ${peerNames.join('|')} DATA_DIR`);

const output = createOutput(process.stderr, 'warn');
const log = output.logger(name);
const supervisor = new Supervisor(output, log, () => {});

// Nothing is said good-bye to: what was promised must be in the store at any moment, and the audit reads it from there.
async function die(): Promise<never> {
  supervisor.kill();
  await supervisor.stop();
  process.exit(0);
}
for (const event of ['SIGTERM', 'SIGINT', 'disconnect']) process.once(event, () => void die());

async function freePort(): Promise<number> {
  const reserved = await reservePort({ name: 'a port', told: 0, friendly: 0 }, undefined);
  await reserved.release();
  return reserved.port;
}

const host: PeerHost = {
  dataDir,
  freePort,
  start: (server) => supervisor.start(server),
  async startPostgres() {
    const dataFolder = await openDataFolder({ DATA_DIR: dataDir }, dataDir, log);
    const password = loadSecrets(dataFolder.path, {}, ['POSTGRES_PASSWORD']).POSTGRES_PASSWORD;
    const postgres = await prepareEmbeddedPostgres({ dataFolder, port: await freePort(), password, log });
    await supervisor.start(postgres.process);
    await postgres.afterStart();
    return postgres.databaseUrl;
  },
};

/** Each peer's libraries are loaded in its own process alone. */
const starts: Readonly<Record<PeerName, () => Promise<SeatSeller>>> = {
  'postgres-conditional': async () => (await import('./postgres-conditional.ts')).startConditional(host),
  'postgres-coalesced': async () => (await import('./postgres-coalesced.ts')).startCoalesced(host),
  restate: async () => (await import('./restate.ts')).startRestate(host, { refusesOutOfTurn: true }),
  'restate-in-turn': async () => (await import('./restate.ts')).startRestate(host, { refusesOutOfTurn: false }),
  dbos: async () => (await import('./dbos.ts')).startDbos(host),
};

try {
  const server = httpFront(await starts[name]()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  console.log(JSON.stringify({ msg: 'ready', url: `http://127.0.0.1:${port}` }));
} catch (error) {
  console.error(error);
  await supervisor.stop();
  process.exit(1);
}
