/**
 * Which room may import which. Files of a room may always import each other; `types` may be imported as types only.
 * `docs/architecture.md` lists the same.
 */
const rooms = {
  'src/domain': { imports: [] },
  'src/contracts': { imports: ['src/domain'] },
  'src/platform': { imports: [] },
  workflows: { imports: ['src/contracts', 'src/domain'], types: ['activities'] },
  activities: { imports: ['src/contracts', 'src/domain', 'src/read-model', 'src/gateways'] },
  temporal: {
    imports: ['workflows', 'activities', 'src/contracts', 'src/platform'],
    types: ['src/domain'],
  },
  'src/read-model': { imports: ['src/domain', 'src/contracts'] },
  'src/gateways': { imports: ['src/contracts'] },
  'src/language': { imports: ['src/domain'] },
  'src/tickets': { imports: ['src/domain', 'src/language'] },
  'src/outbox': { imports: ['src/contracts', 'src/read-model', 'src/gateways', 'src/platform'] },
  'src/notifications': {
    imports: [
      ...['src/contracts', 'src/domain', 'src/language', 'src/tickets', 'src/read-model', 'src/gateways'],
      'src/platform',
    ],
  },
  'src/mail-catcher': { imports: [] },
  'src/live': { imports: ['src/contracts', 'src/read-model', 'src/platform'] },
  'src/api': { imports: ['src/contracts', 'src/domain', 'src/read-model', 'src/live', 'src/tickets', 'src/platform'] },
  'src/payment-simulator': { imports: ['src/contracts', 'src/platform'] },
  'src/demo-catalogue': { imports: ['src/contracts', 'src/domain', 'src/read-model', 'src/platform'] },
  'src/supervisor': { imports: ['src/contracts', 'src/platform'] },
  'src/cli': {
    imports: [
      ...['src/contracts', 'src/domain', 'src/read-model', 'src/demo-catalogue', 'src/platform'],
      ...['src/api', 'src/supervisor', 'temporal'],
    ],
  },
};

const ours = '^(src|workflows|activities|temporal|test|bench)/';
const inside = (folders) => `^(${folders.join('|')})/`;

const roomRules = Object.entries(rooms).flatMap(([room, { imports, types = [] }]) => {
  const rules = [
    {
      name: `${room} imports only ${imports.join(', ') || 'itself'}`,
      severity: 'error',
      from: { path: inside([room]) },
      to: { path: ours, pathNot: inside([room, ...imports, ...types]) },
    },
  ];
  if (types.length === 0) return rules;
  return [
    ...rules,
    {
      name: `${room} imports only types from ${types.join(', ')}`,
      severity: 'error',
      from: { path: inside([room]) },
      to: { path: inside(types), dependencyTypesNot: ['type-only'] },
    },
  ];
});

export default {
  forbidden: [
    ...roomRules,
    {
      name: 'no room outside src/main knows how things are wired',
      severity: 'error',
      from: { path: ours, pathNot: '^(src/main|test|bench)/' },
      to: { path: '^src/main/' },
    },
    {
      name: 'no cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'workflows, rules and contracts do no I/O',
      severity: 'error',
      from: { path: inside(['workflows', 'src/domain', 'src/contracts']) },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'only what package.json names',
      severity: 'error',
      from: { path: ours },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    { name: 'everything imported exists', severity: 'error', from: { path: ours }, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
