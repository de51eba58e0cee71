import { execFile } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';

jest.setTimeout(60_000);

const project = join(import.meta.dirname, '../..');

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe('the npm scripts', () => {
  /** A clone with nothing installed, small enough to install in a moment. */
  let clone: string;

  beforeEach(() => {
    clone = mkdtempSync(join(tmpdir(), 'seatkeeper-clone-'));
    cpSync(join(project, 'scripts'), join(clone, 'scripts'), { recursive: true });
    mkdirSync(join(clone, 'src/cli'), { recursive: true });
    writeFileSync(join(clone, 'src/cli/demo.ts'), 'console.log(process.version, ...process.argv.slice(2) as string[])');
    write('package.json', { name: 'small', version: '1.0.0', type: 'module' });
    lockWith({});
  });
  afterEach(() => {
    chmodSync(clone, 0o755);
    rmSync(clone, { recursive: true, force: true });
  });

  const write = (file: string, content: object): void => writeFileSync(join(clone, file), JSON.stringify(content));
  const lockWith = (packages: object): void =>
    write('package-lock.json', {
      name: 'small',
      version: '1.0.0',
      lockfileVersion: 3,
      packages: { '': { name: 'small', version: '1.0.0' }, ...packages },
    });
  const run = (
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
    hear: (text: string) => void = () => {},
  ): Promise<Outcome> =>
    new Promise((resolve) => {
      const options = { env: { ...process.env, npm_config_offline: 'true', ...env } };
      const command = [join(clone, 'scripts/run.js'), ...args];
      const child = execFile(process.execPath, command, options, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
      child.stderr!.on('data', hear);
    });

  it('install what is missing once, then run TypeScript on Node 24 with the arguments', async () => {
    const first = await run(['demo', '--buyers', '5']);
    expect(first).toMatchObject({ code: 0, stdout: expect.stringMatching(/^v24\.\S+ --buyers 5\n$/) as string });
    expect(first.stderr).toContain('Installing the dependencies');
    expect(await run(['demo'])).toMatchObject({ code: 0, stderr: '' });
  });

  it('install again when the lock file has changed', async () => {
    await run(['demo']);
    lockWith({ 'node_modules/other': { version: '1.0.0', optional: true, os: ['none'] } });
    expect((await run(['demo'])).stderr).toContain('Installing the dependencies');
  });

  it('that start together install together', async () => {
    const untilOther = join(clone, 'until-the-other-waits');
    writeFileSync(untilOther, '');
    writeFileSync(
      join(clone, 'install.js'),
      `import { existsSync } from 'node:fs'; import { setTimeout as delay } from 'node:timers/promises';
      while (existsSync('until-the-other-waits')) await delay(20);`,
    );
    write('package.json', { name: 'small', version: '1.0.0', type: 'module', scripts: { install: 'node install.js' } });
    const hear = (text: string) => text.includes('waiting for it') && rmSync(untilOther);
    const both = await Promise.all([run(['demo'], {}, hear), run(['demo'], {}, hear)]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(both.filter(({ stderr }) => stderr.includes('Installing'))).toHaveLength(1);
    expect(both.filter(({ stderr }) => stderr.includes('waiting for it'))).toHaveLength(1);
  });

  it('do not need a home', async () => {
    const env = {
      HOME: '/dev/null',
      XDG_CACHE_HOME: undefined,
      npm_config_cache: undefined,
      npm_config_logs_dir: undefined,
    };
    expect(await run(['demo'], env)).toMatchObject({ code: 0 });
    expect(existsSync(join(clone, '.data/npm-cache'))).toBe(true);
  });

  it("say why npm fails, in npm's own words", async () => {
    write('package.json', { name: 'small', version: '1.0.0', type: 'module', dependencies: { absent: '1.0.0' } });
    const { code, stderr } = await run(['demo']);
    expect(code).toBe(1);
    expect(stderr).toContain('npm ci failed (exit code 1):');
    expect(stderr).toContain('npm error code ENOTCACHED');
    expect(stderr).not.toContain('node:internal');
    expect(existsSync(join(clone, '.npm-install.lock'))).toBe(false);
  });

  it('name themselves when called by another name', async () => {
    expect(await run(['stat'])).toMatchObject({
      code: 1,
      stderr:
        'Usage: node scripts/run.js start|test|check|demo|watch-show|bench|chaos|attack|record-histories|reconcile|outbox|deploy|openapi|import-plan\n',
    });
  });
});

it('the lock file names the optional packages of every platform, without which npm ci refuses it', () => {
  const lock = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { optionalDependencies?: Record<string, string> }>;
  };
  const missing = Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => !isThere(path, name)),
  );
  expect(missing).toEqual([]);

  /** Looked for as Node does: in the package's own folder, then in those above it. */
  function isThere(path: string, name: string): boolean {
    for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
      if (lock.packages[`${at === '' ? '' : `${at}/`}node_modules/${name}`] !== undefined) return true;
      if (at === '') return false;
    }
  }
});
