import { fileURLToPath } from 'node:url';
import { ensureDependencies } from '../../scripts/dependencies.js';

/**
 * Installs what only the peers need into this folder, unless it is there: 220 MB that whoever starts or tests the
 * service should not have to fetch.
 * @throws Error what npm says
 */
export const ensurePeersInstalled = (): Promise<void> =>
  ensureDependencies({
    root: fileURLToPath(new URL('.', import.meta.url)),
    say: (line) => process.stderr.write(`peers: ${line}\n`),
  });
