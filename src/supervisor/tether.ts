import { spawn, type ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';
import type { ProcessSpec } from '../platform/process-spec.ts';

/**
 * Waits on standard input for a line. The end of input without one means that the supervisor is gone, even by SIGKILL:
 * then the part must not outlive it. Polls, so that a process that has ended is not killed by its number later.
 */
const watch = `
read -r _ && exit
kill -s "$1" "$3"
waited=0
while kill -0 "$3" && [ "$waited" -lt "$2" ]; do sleep 1; waited=$((waited + 1)); done
kill -s KILL "$3"`;

/**
 * Starts the watcher, twice forked so that the part does not get a child it knows nothing about, and becomes the part.
 * The watcher has a command line of its own: whoever looks for the part by name finds the part alone.
 */
const become = `
watch=$1 signal=$2 seconds=$3; shift 3
( sh -c "$watch" seatkeeper-tether "$signal" "$seconds" "$$" <&3 3<&- >/dev/null 2>&1 & )
exec "$@" 3<&-`;

/** A running part and the rope it hangs on. */
export interface TetheredProcess {
  readonly child: ChildProcess;
  /** To be called when the part has ended: its watcher goes too. */
  readonly untether: () => void;
}

/**
 * Starts a part in a process group of its own (Ctrl-C in the terminal reaches the supervisor alone), in such a way
 * that it is stopped when this process dies, whatever kills it. The child's pid is the part's own.
 */
export function spawnTethered(spec: Omit<ProcessSpec, 'ready'>): TetheredProcess {
  const patience = Math.ceil(spec.stopTimeoutMs / 1000);
  const signal = spec.stopSignal.replace(/^SIG/, '');
  const child = spawn('/bin/sh', ['-c', become, 'sh', watch, signal, String(patience), spec.command, ...spec.args], {
    cwd: spec.cwd,
    env: { ...process.env, ...spec.env },
    uid: spec.uid,
    gid: spec.gid,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const rope = child.stdio[3] as Duplex | null | undefined;
  // The watcher may have been killed by someone: the rope then leads nowhere, and nothing is lost.
  rope?.on('error', () => {});
  return { child, untether: () => void rope?.end('ended\n') };
}
