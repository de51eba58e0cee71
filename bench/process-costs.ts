import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Parts of the system, as the cost tables name them. */
export const parts = ['temporal', 'postgres', 'worker', 'api', 'relay', 'payment simulator', 'supervisor'] as const;
export type Part = (typeof parts)[number];

export interface ProcessCosts {
  /** CPU time used since the part started, user and system, ms. Of processes that have ended it is the parent's to tell. */
  readonly cpuMs: Record<Part, number>;
  readonly residentBytes: Record<Part, number>;
}

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
const pageBytes = Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' }));

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
  readonly cpuMs: number;
  readonly residentBytes: number;
}

/** `root` and all that it has started, and so on; Linux only, as /proc tells it. */
export function processesBelow(root: number): Process[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap(readProcess);
  return descendants(root, all);
}

/** What the processes below `root` have cost so far. */
export function processCosts(root: number): ProcessCosts {
  const costs: ProcessCosts = { cpuMs: zeroes(), residentBytes: zeroes() };
  for (const process of processesBelow(root)) {
    const part = partOf(process.command);
    costs.cpuMs[part] += process.cpuMs;
    costs.residentBytes[part] += process.residentBytes;
  }
  return costs;
}

/** CPU time of each part between two readings, ms. */
export function cpuBetween(before: ProcessCosts, after: ProcessCosts): Record<Part, number> {
  const used = zeroes();
  for (const part of parts) used[part] = after.cpuMs[part] - before.cpuMs[part];
  return used;
}

const zeroes = (): Record<Part, number> => Object.fromEntries(parts.map((part) => [part, 0])) as Record<Part, number>;

/** proc_pid_stat(5): after the command in parentheses, field 4 is the parent, 14–17 the times, 24 the resident pages. */
function readProcess(name: string): Process[] {
  try {
    const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const field = (number: number): number => Number(fields[number - 3]);
    const ticks = field(14) + field(15) + field(16) + field(17);
    return [
      {
        pid: Number(name),
        parent: field(4),
        command: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' '),
        cpuMs: (ticks / ticksPerSecond) * 1_000,
        residentBytes: field(24) * pageBytes,
      },
    ];
  } catch {
    // It ended while we looked.
    return [];
  }
}

function descendants(root: number, all: readonly Process[]): Process[] {
  const children = all.filter((process) => process.parent === root);
  const self = all.filter((process) => process.pid === root);
  return [...self, ...children.flatMap((child) => descendants(child.pid, all))];
}

function partOf(command: string): Part {
  if (command.includes('src/main/worker')) return 'worker';
  if (command.includes('src/main/relay')) return 'relay';
  if (command.includes('src/main/api')) return 'api';
  if (command.includes('payment-simulator')) return 'payment simulator';
  if (command.includes('postgres')) return 'postgres';
  if (command.includes('temporal')) return 'temporal';
  return 'supervisor';
}
