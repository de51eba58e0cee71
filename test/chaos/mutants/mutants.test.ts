import { readFileSync } from 'node:fs';
import { access, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { edited, mutatedCopy, treeRoot } from './apply.ts';
import { mutantNamed, mutants } from './mutants.ts';
import { failingTests, tableOf } from './run-mutants.ts';

const sourceOf = (file: string) => readFileSync(join(treeRoot, file), 'utf8');

test.each(mutants)('$name: fits the tree, and is a program', ({ edits, test: named }) => {
  const files = new Map<string, string>();
  for (const edit of edits) files.set(edit.file, edited(files.get(edit.file) ?? sourceOf(edit.file), edit));
  for (const [file, source] of files) {
    expect(source).not.toBe(sourceOf(file));
    expect(() => stripTypeScriptTypes(source)).not.toThrow();
  }
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

  test('those that failed are named; a program that does not start has caught nothing', async () => {
    expect(await failingTests(root, { file: 'one.test.js', name: '' })).toEqual(['a (bad) one']);
    expect(await failingTests(root, { file: 'one.test.js', name: 'a (bad) one' })).toEqual(['a (bad) one']);
    expect(await failingTests(root, { file: 'one.test.js', name: 'good' })).toBeNull();
    await expect(failingTests(root, { file: 'one.test.js', name: 'no such test' })).rejects.toThrow('no test of');
    await expect(failingTests(root, { file: 'broken.test.js', name: '' })).rejects.toThrow('no test of');
  });
});

test('the table says what caught each, and where nothing did', () => {
  const [one, other] = mutants;
  const table = tableOf([
    { mutant: one!, byTests: ['a test'], byAudit: null, byHistory: 'twice' },
    { mutant: other!, byTests: null, byAudit: null, byHistory: null },
  ]);
  expect(table).toContain(`| 1 | ${one!.name} | ${one!.test.file}: a test; history of a chaos run |`);
  expect(table).toContain(`| ${other!.name} | **nothing** |`);
});
