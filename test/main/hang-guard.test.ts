import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

test('a process whose main thread hangs is killed within some seconds, and says why', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'hanging-process.ts')], { stdio: 'pipe' });
  let said = '';
  child.stderr.on('data', (data) => (said += String(data)));
  await once(child.stdout, 'data');
  const hungSinceMs = Date.now();
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
  expect(Date.now() - hungSinceMs).toBeLessThan(20_000);
  expect(said).toContain('"alert":"hung"');
});
