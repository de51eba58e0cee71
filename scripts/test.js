import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { runToEnd } from './run-to-end.js';

/**
 * Obtains what the tests need and runs jest on all of them, or on what the arguments name. The last line on standard
 * output is `N passed, N failed`, after all that jest and its workers have to say.
 */
export async function test(context) {
  const prepared = await runToEnd(context.node, ['src/main/prepare-tests.ts'], context);
  if (prepared !== 0) return closingLine({ passed: 0, failed: 1 }, prepared);

  const folder = mkdtempSync(join(tmpdir(), 'seatkeeper-test-'));
  try {
    const summaryFile = join(folder, 'summary.json');
    const exitCode = await runToEnd(context.node, [...jest, ...context.args], {
      ...context,
      env: { ...process.env, ...context.env, TEST_SUMMARY_FILE: summaryFile },
    });
    return closingLine(readSummary(summaryFile, exitCode), exitCode);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const jest = [
  '--experimental-vm-modules',
  // The tests are native ES modules, which Node still calls experimental, once for each worker.
  '--disable-warning=ExperimentalWarning',
  join('node_modules', 'jest', 'bin', 'jest.js'),
  '--reporters=default',
  '--reporters=<rootDir>/scripts/summary-reporter.js',
  // Between the reporters and what a person names: jest would take that for more of them.
  '--config=jest.config.js',
];

function closingLine({ passed, failed }, exitCode) {
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  return exitCode === 0 && failed > 0 ? 1 : exitCode;
}

/** Jest that died before its end has failed, whatever had passed by then. */
function readSummary(file, exitCode) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { passed: 0, failed: exitCode === 0 ? 0 : 1 };
  }
}
