import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  chownSync,
  constants,
  lchownSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { clearInterval, setInterval } from 'node:timers';
import { isWritableFolder, makeFolder } from './make-folder.js';
import { waitForLock } from './process-lock.js';
import { SetupError } from './setup-error.js';

/** An installation takes about a minute; a line this often tells that it goes on. */
const progressMs = 15_000;
/** Of npm's output, as much as explains a failure: its first error lines say why, the many after them how to use npm. */
const shownLines = 12;
const keptOutputChars = 64 * 1024;

/**
 * Makes sure that `node_modules` is there and fits `package-lock.json`, with a stamp of the lock file's hash in it.
 * Several processes that start together wait for the first one's installation.
 * @param {{ root: string, say: (line: string) => void }} options `say` takes lines for a person
 * @throws SetupError
 */
export async function ensureDependencies({ root, say }) {
  const stamp = stampOf(root);
  if (isStamped(root, stamp)) return;

  const release = await lockInstallation(root, say);
  try {
    if (isStamped(root, stamp)) return;
    if (!fitsLockFile(root)) await install(root, say);
    makeFolder(join(root, 'node_modules'));
    writeFileSync(stampPath(root), stamp);
    giveToOwnerOf(root);
  } finally {
    release();
  }
}

const stampPath = (root) => join(root, 'node_modules', '.seatkeeper-installed');

/** Binaries differ by platform: a clone that is seen from two of them is installed for the one that asks. */
function stampOf(root) {
  const lockFile = readFileSync(join(root, 'package-lock.json'));
  return `${createHash('sha256').update(lockFile).digest('hex')} ${process.platform}-${process.arch}\n`;
}

function isStamped(root, stamp) {
  try {
    return readFileSync(stampPath(root), 'utf8') === stamp;
  } catch {
    return false;
  }
}

/** Someone's own `npm install` of the same versions counts: npm keeps a list of what it has put there. */
function fitsLockFile(root) {
  try {
    const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
    const present = JSON.parse(readFileSync(join(root, 'node_modules', '.package-lock.json'), 'utf8')).packages;
    accessSync(join(root, 'node_modules', '.bin', 'node'), constants.X_OK);
    return Object.entries(wanted).every(
      ([path, { version, optional, link }]) =>
        path === '' || link || present[path]?.version === version || (optional && present[path] === undefined),
    );
  } catch {
    return false;
  }
}

async function lockInstallation(root, say) {
  let told = false;
  const whileHeld = ({ pid }) => {
    if (!told) say(`Another process (${pid}) installs the dependencies: waiting for it …`);
    told = true;
  };
  try {
    return await waitForLock(join(root, '.npm-install.lock'), { whileHeld });
  } catch (error) {
    throw new SetupError(
      `The dependencies can't be installed because the project's folder is not writable for this user (${error.code}).`,
      { cause: error },
    );
  }
}

async function install(root, say) {
  const startedAt = Date.now();
  const elapsed = () => `${Math.round((Date.now() - startedAt) / 1000)} s`;
  say('Installing the dependencies with npm ci (about a minute) …');
  const ticker = setInterval(() => say(`… still installing (${elapsed()})`), progressMs);
  try {
    await npmCi(root);
    say(`Dependencies installed (${elapsed()}).`);
  } finally {
    clearInterval(ticker);
  }
}

function npmCi(root) {
  // What the person's own npm settings may say must not leave out the tests' tools, Node 24 or Postgres.
  const args = ['ci', '--include=dev', '--include=optional', '--ignore-scripts=false', '--no-audit', '--no-fund'];
  const [command, ...before] = npmCommand();
  const child = spawn(command, [...before, ...args, '--loglevel=error', '--progress=false'], {
    cwd: root,
    env: npmEnvironment(root),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk) => (output = (output + chunk).slice(-keptOutputChars)));
  }
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new SetupError(`npm could not be started: ${error.message}.`)));
    child.once('close', (code, signal) => {
      if (code === 0) return resolve();
      reject(new SetupError(`npm ci failed (${signal ?? `exit code ${code}`}):\n${explanationIn(output)}`));
    });
  });
}

function explanationIn(output) {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const errors = lines.filter((line) => /^npm (error|ERR!) ./.test(line));
  return (errors.length > 0 ? errors.slice(0, shownLines) : lines.slice(-shownLines)).join('\n');
}

/** The npm that started us, else the one on the PATH. */
function npmCommand() {
  const path = process.env.npm_execpath;
  return path?.endsWith('npm-cli.js') ? [process.execPath, path] : ['npm'];
}

function npmEnvironment(root) {
  const env = { ...process.env };
  // Left over from the `npm start` around us; they would point the inner npm at the wrong folder.
  for (const name of Object.keys(env)) if (/^npm_(package|lifecycle)_/.test(name)) delete env[name];
  // A home folder that can't be written (a service's user, a container's) is no reason to fail.
  const cache = env.npm_config_cache ?? join(homedir(), '.npm');
  if (!isWritableFolder(cache)) env.npm_config_cache = join(root, '.data', 'npm-cache');
  return env;
}

/** Root installing in someone else's clone must not leave them a folder they can't update. */
function giveToOwnerOf(root) {
  const { uid, gid } = statSync(root);
  if (process.getuid?.() !== 0 || uid === 0) return;
  const give = (folder) => {
    chownSync(folder, uid, gid);
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) give(path);
      else lchownSync(path, uid, gid);
    }
  };
  give(join(root, 'node_modules'));
}
