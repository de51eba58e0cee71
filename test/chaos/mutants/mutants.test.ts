import { readFileSync } from 'node:fs';
import { access, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { edited, mutatedCopy, treeRoot } from './apply.ts';
import { mutantNamed, mutants } from './mutants.ts';
import { failingTests, isCaught, tableOf } from './run-mutants.ts';

const sourceOf = (file: string) => readFileSync(join(treeRoot, file), 'utf8');

test.each(mutants)('$name: fits the tree, and is a program', ({ edits, test: named }) => {
  const files = new Map<string, string>();
  for (const edit of edits) files.set(edit.file, edited(files.get(edit.file) ?? sourceOf(edit.file), edit));
  for (const [file, source] of files) {
    expect(source).not.toBe(sourceOf(file));
    expect(() => stripTypeScriptTypes(source)).not.toThrow();
  }
  expect(named.name).not.toBe('');
  expect(sourceOf(named.file)).toContain(named.name);
});

test('there is a mutant for each promise, and a dozen in all', () => {
  expect(new Set(mutants.map(({ promise }) => promise)).size).toBe(10);
  expect(mutants.length).toBeGreaterThanOrEqual(12);
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
});

describe('an edit', () => {
  const edit = { file: 'a.ts', find: 'b', replace: 'c' };

  test('is made where its text is, once', () => {
    expect(edited('a b a', edit)).toBe('a c a');
    expect(() => edited('a', edit)).toThrow('no such text');
    expect(() => edited('b b', edit)).toThrow('more than once');
  });
});

test('a copy has the mistake and nothing that was made by running; this tree stays as it is', async () => {
  const mutant = mutantNamed('nobody looks whether the time of a hold is over');
  const copy = await mutatedCopy(mutant);
  try {
    const [edit] = mutant.edits;
    expect(await readFile(join(copy.root, edit!.file), 'utf8')).toContain(edit!.replace);
    expect(sourceOf(edit!.file)).not.toContain(edit!.replace);
    await access(join(copy.root, 'node_modules', 'express', 'package.json'));
    await expect(access(join(copy.root, '.git'))).rejects.toThrow('ENOENT');
    await expect(access(join(copy.root, '.data'))).rejects.toThrow('ENOENT');
  } finally {
    await copy.remove();
  }
  await expect(access(copy.root)).rejects.toThrow('ENOENT');
});

describe('of a test that is to notice', () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'seatkeeper-noticing-'));
    await writeFile(join(root, 'package.json'), JSON.stringify({ type: 'module' }));
    await writeFile(join(root, 'jest.config.js'), 'export default { testMatch: ["**/*.test.js"] };');
    await writeFile(
      join(root, 'one.test.js'),
      'test("good", () => {}); test("a (bad) one", () => { expect(1).toBe(2); });',
    );
    await writeFile(join(root, 'broken.test.js'), 'this is no program');
    await symlink(join(treeRoot, 'node_modules'), join(root, 'node_modules'));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  test.each([
    ['', ['a (bad) one']],
    ['a (bad) one', ['a (bad) one']],
    ['good', null],
  ])('those that failed are named: of %j %j', async (name, failed) => {
    expect(await failingTests(root, { file: 'one.test.js', name })).toEqual(failed);
  });

  test.each([
    ['a test that is not there', { file: 'one.test.js', name: 'no such test' }],
    ['a program that does not start', { file: 'broken.test.js', name: '' }],
  ])('%s has caught nothing', async (_what, named) => {
    await expect(failingTests(root, named)).rejects.toThrow('no test of');
  });
});

test('the table says what caught each, and where its test did not', () => {
  const [one, other] = mutants;
  const caught = [
    { mutant: one!, byTests: ['a test'], byRun: { seconds: 25, audit: null, history: 'twice' } },
    { mutant: other!, byTests: null, byRun: { seconds: 25, audit: 'a seat is sold twice', history: 'twice' } },
    { mutant: other!, byTests: null, byRun: { seconds: 25, audit: null, history: null } },
    { mutant: other!, byTests: ['a test'], byRun: null },
  ];
  expect(caught.map(isCaught)).toEqual([true, false, false, true]);
  const rows = tableOf(caught).split('\n');
  expect(rows[2]).toBe(`| 1 | ${one!.name} | workflows/show | history |`);
  expect(rows[3]).toMatch('| **none** | history and audit |');
  expect(rows[4]).toMatch('| **none** | not met in 25 s |');
  expect(rows[5]).toMatch('| workflows/late-money | – |');
});
