import { auditShow } from '../../src/cli/audit.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { eventually } from '../setup/eventually.ts';
import { useTestSystem } from '../setup/system.ts';
import { attack, type AttackPlan } from './attack.ts';
import { obtainSchemathesis } from './schemathesis.ts';
import { type AttackedSystem, attackSettings, type Attacker, prepareTargets } from './targets.ts';

const schemathesis = await obtainSchemathesis(createLogger('schemathesis', 'warn'));

/** Payments that wait for a provider end by their deadline, and what they bring about soon after. */
const QUIET_WITHIN_MS = 60_000;

export interface Attacks {
  readonly attackers: readonly Attacker[];
  readonly plan: AttackPlan;
  /** Of all of them together. */
  readonly casesMin: number;
  /** Whether there must be a Schemathesis: otherwise the attacks are skipped where it can't be had. */
  readonly isNeeded: boolean;
}

/**
 * The tests of an attack: as each of these callers, on shows and bookings of its own, Schemathesis finds nothing, and when
 * it is over all records of the sale agree.
 */
export function describeAttacks({ attackers, plan, casesMin, isNeeded }: Attacks): void {
  const isThere = 'python' in schemathesis || isNeeded;
  const where = isThere ? describe : describe.skip;
  const why = 'reason' in schemathesis ? ` (${schemathesis.reason})` : '';
  where(`what Schemathesis makes up of the API's own description${why}`, () => {
    const system = useTestSystem({ apis: 1, settings: attackSettings });
    let cases = 0;
    const attacked: AttackedSystem[] = [];
    const prepared = async () => {
      attacked.push(await prepareTargets(system));
      return attacked.at(-1)!;
    };
    afterAll(() => Promise.all(attacked.map((each) => each.close())));

    test.each(attackers)(
      'as %s: is answered as documented, never by a failure, and leaves all records in agreement',
      async (who) => {
        if ('reason' in schemathesis) throw new Error(schemathesis.reason);
        const { targets, tokens } = await prepared();
        const report = await attack(schemathesis.python, targets, tokens[who], plan);
        cases += report.cases;
        process.stderr.write(`as ${who}: ${report.cases} requests\n`);
        if (report.found.length > 0) throw new Error(`${report.found.join('\n')}\n\n${report.output}`);
        const sources = {
          db: system.db,
          temporal: system.temporal,
          api: targets.apiUrl,
          paymentSimulator: system.simulatorUrl,
        };
        for (const showId of targets.ids.show) {
          const differences = async () => (await auditShow(sources, showId)).differences;
          await eventually(async () => expect(await differences()).toEqual([]), QUIET_WITHIN_MS);
        }
      },
      plan.timeoutMs + 3 * QUIET_WITHIN_MS,
    );

    test(`was at least ${casesMin} requests`, () => {
      expect(cases).toBeGreaterThanOrEqual(casesMin);
    });
  });
}
