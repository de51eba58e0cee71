import { execFile } from 'node:child_process';
import { join } from 'node:path';

const projectRoot = join(import.meta.dirname, '../..');

interface Cruise {
  readonly summary: {
    readonly totalCruised: number;
    readonly violations: readonly {
      readonly from: string;
      readonly to: string;
      readonly rule: { readonly name: string };
    }[];
  };
}

/** What dependency-cruiser says of the rooms below `folder`, by the rules of the house. */
function cruise(folder: string): Promise<Cruise> {
  const program = join(projectRoot, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  const config = join(projectRoot, '.dependency-cruiser.js');
  const rooms = ['src', 'workflows', 'activities', 'temporal'].filter(
    (room) => folder === projectRoot || room !== 'temporal',
  );
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [program, '--config', config, '--output-type', 'json', ...rooms],
      { cwd: folder, maxBuffer: 64 * 1024 * 1024 },
      // It exits with the number of violations: only its output tells.
      (error, stdout, stderr) => (stdout ? resolve(JSON.parse(stdout) as Cruise) : reject(error ?? new Error(stderr))),
    );
  });
}

const named = ({ summary }: Cruise) => summary.violations.map(({ from, to, rule }) => `${from} → ${to}: ${rule.name}`);

describe('the table of rooms', () => {
  test('is kept by every import', async () => {
    const house = await cruise(projectRoot);
    expect(house.summary.totalCruised).toBeGreaterThan(50);
    expect(named(house)).toEqual([]);
  }, 60_000);

  test('is noticed to be broken: a rule that calls the API or reads a file, a workflow that calls an activity', async () => {
    const broken = named(await cruise(join(import.meta.dirname, 'broken-house')));
    expect(broken).toContainEqual(
      expect.stringContaining('src/domain/rule.ts → src/api/answer.ts: src/domain imports only'),
    );
    expect(broken).toContainEqual(
      expect.stringContaining('src/domain/rule.ts → fs: workflows, rules and contracts do no I/O'),
    );
    expect(broken).toContainEqual(
      expect.stringContaining('workflows/order.ts → activities/effect.ts: workflows imports only types'),
    );
  }, 60_000);
});
