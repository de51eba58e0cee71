import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import process from 'node:process';
import { setInterval } from 'node:timers';

const forwarded = ['SIGINT', 'SIGTERM'];
const parentPollMs = 1_000;

/**
 * Runs a program in our place: with our terminal, the signals we get, and its exit code as the result.
 * @param {{ root: string, env?: NodeJS.ProcessEnv, tether?: boolean }} options `tether`: the program learns from its
 *   closing IPC channel when this process has died
 * @returns {Promise<number>}
 */
export function runToEnd(program, args, { root, env = process.env, tether = false }) {
  const child = spawn(program, args, {
    cwd: root,
    env,
    stdio: tether ? ['inherit', 'inherit', 'inherit', 'ipc'] : 'inherit',
  });
  // Ctrl-C reaches the program twice, from the terminal and from here; one that counts signals must expect that.
  const forward = (signal) => child.kill(signal);
  for (const signal of forwarded) process.on(signal, forward);
  if (tether) stopWithParent(child);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      for (const name of forwarded) process.off(name, forward);
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}

/** npm killed with SIGKILL can't tell us; without it nobody is left who could stop the program. */
function stopWithParent(child) {
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && child.kill('SIGTERM'), parentPollMs).unref();
}
