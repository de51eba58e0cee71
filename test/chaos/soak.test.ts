import { killsOfOthers } from './faults/kills.ts';
import { type Sample, seriesOf } from './soak.ts';

const parts = ['api-1', 'worker-1', 'payment-simulator', 'temporal', 'postgres'];
const ofAll = (value: number) => Object.fromEntries(parts.map((name) => [name, value]));
const hour = (change: (minute: number) => Partial<Sample>): Sample[] =>
  Array.from({ length: 60 }, (_, minute) => ({
    ...{ atMinute: minute, operations: 1_000 * minute, holdMsP50: 30, holdMsP99: 200 },
    ...{ rssMiB: ofAll(200), handles: ofAll(60), starts: ofAll(1) },
    ...change(minute),
  }));
const drifts = (samples: readonly Sample[]) =>
  seriesOf(samples).flatMap(({ what, verdict }) => (verdict === 'drift' ? [what] : []));

test('what stays as it is has not drifted', () => {
  expect(drifts(hour(() => ({})))).toEqual([]);
  expect(drifts([])).toEqual([]);
});

test('a process that grows by and by is found', () => {
  expect(drifts(hour((minute) => ({ rssMiB: { ...ofAll(200), 'api-1': 200 + 2 * minute } })))).toEqual([
    'memory of api-1, MiB',
  ]);
});

test('one that grows and is started anew in between is no steady one', () => {
  const samples = hour((minute) => ({
    rssMiB: { ...ofAll(200), 'worker-1': 200 + 5 * (minute % 40) },
    starts: { ...ofAll(1), 'worker-1': minute < 40 ? 1 : 2 },
  }));
  expect(drifts(samples)).toEqual(['starts of worker-1']);
});

test('no fault of a soak takes away the memory that is judged', () => {
  expect(killsOfOthers.map(({ name }) => name)).not.toContain('kill-postgres-backend');
});
