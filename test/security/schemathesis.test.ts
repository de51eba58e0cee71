import { describeAttacks } from './attack-of-each-role.ts';

/** Short enough for every run of the tests; all roles and far more of each: `npm run attack`. */
describeAttacks({
  attackers: ['guest', 'admin'],
  plan: {
    phases: ['examples', 'coverage', 'fuzzing', 'stateful'],
    examples: 5,
    chains: 20,
    seed: 1,
    timeoutMs: 240_000,
  },
  casesMin: 4_000,
  isNeeded: false,
});
