#!/usr/bin/env node
/**
 * What `npm start`, `npm test` and the other npm scripts call. It runs on whatever Node the machine has, with nothing
 * installed, makes sure that the dependencies are there, and hands over to Node 24 from among them.
 */
import { resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { check } from './check.js';
import { ensureDependencies } from './dependencies.js';
import { findNode } from './node-24.js';
import { runToEnd } from './run-to-end.js';
import { SetupError } from './setup-error.js';
import { test } from './test.js';

const root = resolve(fileURLToPath(import.meta.url), '..', '..');

/** A command gets the path of Node 24 and the arguments after `--`, and resolves to its exit code. */
const commands = {
  start: (context) => runToEnd(context.node, ['src/main/all-in-one.ts', ...context.args], { ...context, tether: true }),
  test,
  check,
  demo: (context) => runToEnd(context.node, ['src/cli/demo.ts', ...context.args], context),
  // Its warning that EventSource may change would be written across the drawing; the version is pinned.
  'watch-show': (context) =>
    runToEnd(context.node, ['--disable-warning=UNDICI-ES', 'src/cli/watch-show.ts', ...context.args], context),
  bench: (context) => runToEnd(context.node, ['bench/main.ts', ...context.args], context),
  chaos: (context) => runToEnd(context.node, ['test/chaos/main.ts', ...context.args], context),
  attack: (context) => test({ ...context, args: ['--testMatch', '**/test/security/full-attack.ts', ...context.args] }),
  'record-histories': (context) =>
    test({ ...context, args: ['--testMatch', '**/test/setup/record-histories.ts', ...context.args], env: shortRuns }),
  reconcile: (context) => runToEnd(context.node, ['src/cli/reconcile.ts', ...context.args], context),
  outbox: (context) => runToEnd(context.node, ['src/cli/outbox.ts', ...context.args], context),
  deploy: (context) => runToEnd(context.node, ['src/cli/deploy.ts', ...context.args], context),
  openapi: (context) => runToEnd(context.node, ['src/cli/write-openapi.ts', ...context.args], context),
  'import-plan': (context) => runToEnd(context.node, ['src/cli/import-plan.ts', ...context.args], context),
};

/** After so many events the server suggests a new run: two runs of a show are recorded, not thousands of events. */
const shortRuns = { SEATKEEPER_TEST_RUN_EVENTS: '150' };

/** Standard output is the command's own: some of it is read by programs. */
const say = (line) => process.stderr.write(`${line}\n`);

async function main() {
  const [name, ...args] = process.argv.slice(2);
  const command = Object.hasOwn(commands, name ?? '') ? commands[name] : undefined;
  if (command === undefined) throw new SetupError(`Usage: node scripts/run.js ${Object.keys(commands).join('|')}`);
  if (Number(process.versions.node.split('.')[0]) < 18) {
    throw new SetupError(`Node 18 or newer is needed to begin with; this is ${process.version}.`);
  }
  await ensureDependencies({ root, say });
  return command({ root, args, say, node: findNode(root) });
}

main().then(
  (exitCode) => process.exit(exitCode),
  (error) => {
    say(error instanceof SetupError ? error.message : error.stack);
    process.exit(1);
  },
);
