import { writeFileSync } from 'node:fs';
import process from 'node:process';

/** A jest reporter that hands the counts to `scripts/test.js`, in the file that it names. */
export default class SummaryReporter {
  onRunComplete(_contexts, results) {
    const { numPassedTests, numFailedTests, testResults } = results;
    // A file that does not even load has no test that could fail: it counts as one.
    const brokenFiles = testResults.filter((file) => file.testExecError !== undefined).length;
    const summary = { passed: numPassedTests, failed: numFailedTests + brokenFiles };
    writeFileSync(process.env.TEST_SUMMARY_FILE, JSON.stringify(summary));
  }
}
