import { describeAttacks } from './attack-of-each-role.ts';
import { attackers } from './targets.ts';

/** `npm run attack`: as everyone. `ATTACK_SEED`, `ATTACK_EXAMPLES` and `ATTACKERS` make it another one. */
const { ATTACK_SEED = '1', ATTACK_EXAMPLES = '60', ATTACKERS = attackers.join(',') } = process.env;
const isAttacker = (name: string): name is (typeof attackers)[number] =>
  (attackers as readonly string[]).includes(name);
const examples = Number(ATTACK_EXAMPLES);
const chosen = ATTACKERS.split(',').map((name) => {
  if (isAttacker(name)) return name;
  throw new Error(`ATTACKERS are some of ${attackers.join(', ')}, with commas between them: not ${name}`);
});

describeAttacks({
  attackers: chosen,
  plan: {
    phases: ['examples', 'coverage', 'fuzzing', 'stateful'],
    examples,
    chains: 3 * examples,
    seed: Number(ATTACK_SEED),
    timeoutMs: 20 * 60_000,
  },
  casesMin: chosen.length === attackers.length ? 20_000 : 1,
  isNeeded: true,
});
