import vm from 'node:vm';
import { withPlainSandboxes } from '../../temporal/plain-sandboxes.ts';

/** Of one that Node makes around an object, the object given and the global seen from within differ. */
const isPlain = (context: vm.Context): boolean => vm.runInContext('globalThis', context) === context;

const sdkOptions = { microtaskMode: 'afterEvaluate' } as const;

test('what the SDK asks for is a plain context, and globals set from outside and from within are the same', async () => {
  const context = await withPlainSandboxes(() => Promise.resolve(vm.createContext({}, sdkOptions)));
  expect(isPlain(context)).toBe(true);
  Object.defineProperty(context, 'given', { value: 1, configurable: true });
  expect(
    vm.runInContext(
      'globalThis.own = given + 1; delete globalThis.given; Promise.resolve(3).then((it) => (own += it)); 0',
      context,
    ),
  ).toBe(0);
  expect(context.own).toBe(5);
  expect('given' in context).toBe(false);
});

test('a context around an object that has something stays as it is, and so do all that are made afterwards', async () => {
  const full = await withPlainSandboxes(() => Promise.resolve(vm.createContext({ something: 1 })));
  expect(isPlain(full)).toBe(false);
  const failing = withPlainSandboxes(() => Promise.reject(new Error('not now')));
  await expect(failing).rejects.toThrow('not now');
  expect(isPlain(vm.createContext({}))).toBe(false);
});
