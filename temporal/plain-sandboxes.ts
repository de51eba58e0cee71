import vm from 'node:vm';

/**
 * Runs `work` so that sandboxes made in it are plain contexts of V8. The SDK has Node make its sandbox around an empty object, for
 * whose sake each use of a global is intercepted: hundreds whenever another workflow has its turn, and none that V8 can keep at hand
 * (docs/decisions/0010). What runs in them sees no difference.
 */
export async function withPlainSandboxes<Result>(work: () => Promise<Result>): Promise<Result> {
  const { createContext } = vm;
  vm.createContext = (object, options) =>
    createContext(isEmptyObject(object) ? vm.constants.DONT_CONTEXTIFY : object, options);
  try {
    return await work();
  } finally {
    vm.createContext = createContext;
  }
}

const isEmptyObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Reflect.ownKeys(value).length === 0;
