import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessIdentity } from '../../scripts/process-lock.js';
import { writeFileWhole } from './whole-file.ts';

/** A part's process, as a later start finds it if it should still run by then. */
export interface RecordedPart extends ProcessIdentity {
  readonly name: string;
  readonly stopSignal: NodeJS.Signals;
  readonly stopTimeoutMs: number;
}

/** Where a running system answers. Null: not known, or not ours to say. */
export interface Addresses {
  readonly api: string;
  readonly web: string;
  readonly temporalUi: string | null;
  readonly paymentSimulator: string | null;
  /** Page of the mail catcher. */
  readonly mails: string | null;
  /** Of the first API process, the first worker and the first relay. */
  readonly metrics: string;
  readonly workerMetrics: string;
  readonly relayMetrics: string;
}

/** What another process of ours needs to take part in a running system, besides its secrets. */
export interface SharedServices {
  /** Without its password, which stands with the secrets. */
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
}

/** What a start leaves in the data folder for the next one, and for one that comes while it runs. */
export interface RunState {
  readonly status: 'starting' | 'ready' | 'stopping' | 'stopped';
  readonly addresses: Addresses | null;
  readonly services: SharedServices | null;
  /** By the name of their setting: the next start takes the same ones if it can. */
  readonly ports: Readonly<Record<string, number>>;
  readonly parts: readonly RecordedPart[];
}

const nothingYet: RunState = { status: 'stopped', addresses: null, services: null, ports: {}, parts: [] };

/** The state of the last start; one that can't be read is none. */
export function readRunState(dataFolder: string): RunState {
  try {
    return { ...nothingYet, ...(JSON.parse(readFileSync(stateFile(dataFolder), 'utf8')) as Partial<RunState>) };
  } catch {
    return nothingYet;
  }
}

export function writeRunState(dataFolder: string, state: RunState): void {
  writeFileWhole(stateFile(dataFolder), `${JSON.stringify(state, null, 2)}\n`, 0o644);
}

const stateFile = (dataFolder: string): string => join(dataFolder, 'state.json');
