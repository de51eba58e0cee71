import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const scripts = join(import.meta.dirname, '../../scripts');

describe('the last line of npm test', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'seatkeeper-line-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** What `npm test` prints and ends with, when its two programs (what obtains, and jest) do as `script` says. */
  function testRun(script: string): { lastLine: string | undefined; code: number | null; stderr: string } {
    const program = join(folder, 'program');
    writeFileSync(program, `#!/bin/sh\n${script}\n`);
    chmodSync(program, 0o755);
    const context = JSON.stringify({ node: program, args: [], root: folder });
    const main = `import(${JSON.stringify(pathToFileURL(join(scripts, 'test.js')).href)})
      .then(({ test }) => test(${context})).then((code) => process.exit(code))`;
    // This test may itself be run by npm test.
    const { TEST_SUMMARY_FILE: _outer, ...env } = process.env;
    const { stdout, stderr, status } = spawnSync(process.execPath, ['-e', main], { encoding: 'utf8', env });
    return { lastLine: stdout.trimEnd().split('\n').at(-1), code: status, stderr };
  }

  /** Jest alone has the name of the file; `results` go through the reporter. */
  const jest = (results: object, exitCode: number) => `
    [ -z "$TEST_SUMMARY_FILE" ] && exit 0
    echo 'Tests: whatever jest says'
    ${process.execPath} -e 'import("${scripts}/summary-reporter.js").then(({ default: Reporter }) =>
      new Reporter().onRunComplete(new Set(), ${JSON.stringify(results)}))'
    exit ${exitCode}`;

  it('counts what passed', () => {
    const results = { numPassedTests: 7, numFailedTests: 0, testResults: [{}] };
    expect(testRun(jest(results, 0))).toEqual({ lastLine: '7 passed, 0 failed', code: 0, stderr: '' });
  });

  it('counts what failed, and a file that does not load', () => {
    const results = { numPassedTests: 7, numFailedTests: 2, testResults: [{}, { testExecError: { message: 'no' } }] };
    expect(testRun(jest(results, 1))).toEqual({ lastLine: '7 passed, 3 failed', code: 1, stderr: '' });
  });

  it('is a failure when jest dies before its end', () => {
    expect(testRun('[ -z "$TEST_SUMMARY_FILE" ] && exit 0; kill -9 $$')).toEqual({
      lastLine: '0 passed, 1 failed',
      code: 137,
      stderr: '',
    });
  });

  it('is a failure when what the tests need can not be had', () => {
    expect(testRun('exit 1')).toEqual({ lastLine: '0 passed, 1 failed', code: 1, stderr: '' });
  });
});
