import type { UnderLoad } from './load/under-load.ts';
import type { Job } from './load/jobs.ts';
import { cpuBetween, type Part, type ProcessCosts } from './process-costs.ts';
import type { OperationCosts } from './scenario.ts';

/** What each of so many operations has cost, between the readings at the begin and the end of what was measured. */
export function costsPerOperation(
  load: Pick<UnderLoad<Job, ProcessCosts>, 'before' | 'after' | 'generatorCpuMs'>,
  operations: number,
): OperationCosts {
  return {
    cpuMs: perOperation(cpuBetween(load.before, load.after), operations),
    generatorCpuMs: load.generatorCpuMs / operations,
    residentBytes: load.after.residentBytes,
  };
}

/** Of the service's processes together, ms per operation. */
export const serviceCpuMs = ({ cpuMs }: OperationCosts): number =>
  Object.values(cpuMs).reduce((sum, ms) => sum + ms, 0);

function perOperation(cpuMs: Readonly<Record<Part, number>>, operations: number): Record<Part, number> {
  return Object.fromEntries(Object.entries(cpuMs).map(([part, ms]) => [part, ms / operations])) as Record<Part, number>;
}
