import { join } from 'node:path';
import { runToEnd } from './run-to-end.js';

const checks = [
  { name: 'types', bin: ['typescript', 'bin', 'tsc'], args: ['-p', '.'] },
  { name: 'lint', bin: ['eslint', 'bin', 'eslint.js'], args: ['.'] },
  { name: 'format', bin: ['prettier', 'bin', 'prettier.cjs'], args: ['--check', '--log-level=warn', '.'] },
  {
    name: 'imports',
    bin: ['dependency-cruiser', 'bin', 'dependency-cruiser.mjs'],
    args: ['--config', '.dependency-cruiser.js', 'src', 'workflows', 'activities', 'temporal'],
  },
];

/** Types, lint, format and import rules: all of them, also when one fails, so that one run tells everything. */
export async function check(context) {
  const failed = [];
  for (const { name, bin, args } of checks) {
    context.say(`check: ${name} …`);
    const exitCode = await runToEnd(context.node, [join('node_modules', ...bin), ...args], context);
    if (exitCode !== 0) failed.push(name);
  }
  context.say(failed.length === 0 ? 'check: all good' : `check: failed: ${failed.join(', ')}`);
  return failed.length === 0 ? 0 : 1;
}
