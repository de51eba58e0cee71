import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as registered from '../../workflows/index.ts';
import { historyContents } from '../setup/history-contents.ts';

/**
 * What replays is only what was recorded: each thing that a workflow can be asked, or can ask for, is in some history. What
 * is new is played in test/setup/stories, and recorded by `npm run record-histories`.
 */
const workflows = join(import.meta.dirname, '../../workflows');
const folder = join(import.meta.dirname, '../histories');

const named = (files: readonly string[], ending: string): string[] =>
  files.filter((name) => name.endsWith(ending)).sort();
const files = named(await readdir(folder, { recursive: true }), '.json');
const histories = await Promise.all(
  files.map(async (file) => historyContents(await readFile(join(folder, file), 'utf8'))),
);
const modules = await Promise.all(
  named(await readdir(workflows), '.ts').map(async (file) => ({
    code: await readFile(join(workflows, file), 'utf8'),
    exports: (await import(join(workflows, file))) as Readonly<Record<string, unknown>>,
  })),
);
const code = modules.map((module) => module.code).join('\n');

const missing = (wanted: readonly string[], recorded: readonly string[]): string[] => {
  expect(wanted.length).toBeGreaterThan(0);
  return [...new Set(wanted)].filter((name) => !recorded.includes(name)).sort();
};

test('every workflow that workers register', () => {
  const recorded = histories.map(({ workflowType }) => workflowType);
  expect(missing(Object.keys(registered), recorded)).toEqual([]);
});

test('every activity that a workflow asks for', () => {
  const byName = [...code.matchAll(/\b(?:durably|step|firstTry)\(\s*'(\w+)'/g)].map(([, name]) => name!);
  const byProxy = [...code.matchAll(/const \{ ([\w, ]+) \} = proxy\w*Activities/g)].flatMap(([, names]) =>
    names!.split(', '),
  );
  const recorded = histories.flatMap(({ activities }) => activities);
  expect(missing([...byName, ...byProxy], recorded)).toEqual([]);
});

test('every message that a workflow hears, but for questions', () => {
  const recorded = histories.flatMap(({ workflowType, updates, signals }) => [
    ...updates.map((name) => `${workflowType}: update ${name}`),
    ...signals.map((name) => `${workflowType}: signal ${name}`),
  ]);
  expect(
    missing(
      modules.flatMap(({ exports }) => heardBy(exports)),
      recorded,
    ),
  ).toEqual([]);
});

test('every patch', () => {
  const patches = [...code.matchAll(/\bpatched\(\s*'([^']+)'/g)].map(([, name]) => name!);
  const recorded = histories.flatMap((history) => history.patches);
  expect(missing(patches, recorded)).toEqual([]);
});

function heardBy(exports: Readonly<Record<string, unknown>>): string[] {
  const workflow = Object.keys(exports).find((name) => name in registered);
  return Object.values(exports)
    .filter(isMessage)
    .map(({ type, name }) => `${workflow}: ${type} ${name}`);
}

function isMessage(value: unknown): value is { readonly type: 'update' | 'signal'; readonly name: string } {
  const type = typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined;
  return type === 'update' || type === 'signal';
}
