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
const notMeasured = (samples: readonly Sample[]) =>
  seriesOf(samples).flatMap(({ what, verdict }) => (verdict === 'not measured' ? [what] : []));

test('what stays as it is has not drifted', () => {
  expect(drifts(hour(() => ({})))).toEqual([]);
  expect(notMeasured(hour(() => ({})))).toEqual([]);
});

test('what was not measured is not flat', () => {
  expect(notMeasured([])).toHaveLength(seriesOf([]).length);
  expect(notMeasured(hour(() => ({ rssMiB: { ...ofAll(200), postgres: 0 } })))).toEqual(['memory of postgres, MiB']);
  expect(notMeasured(hour(() => ({ holdMsP50: null })))).toEqual(['median latency of a hold, ms']);
});

test('a process that grows by and by is found', () => {
  expect(drifts(hour((minute) => ({ rssMiB: { ...ofAll(200), 'api-1': 200 + 2 * minute } })))).toEqual([
    'memory of api-1, MiB',
  ]);
});

test('files that are left open, and holds that become slower, are found', () => {
  expect(drifts(hour((minute) => ({ handles: { ...ofAll(60), temporal: 60 + minute } })))).toEqual([
    'open files of temporal',
  ]);
  expect(drifts(hour((minute) => ({ holdMsP50: 30 + minute })))).toEqual(['median latency of a hold, ms']);
});

test('one that grows and is started anew in between is no steady one', () => {
  const samples = hour((minute) => ({
    rssMiB: { ...ofAll(200), 'worker-1': 200 + 5 * (minute % 40) },
    starts: { ...ofAll(1), 'worker-1': minute < 40 ? 1 : 2 },
  }));
  expect(drifts(samples)).toEqual(['starts of worker-1']);
});

test('no fault of a soak takes away the memory that is judged', () => {
  expect(killsOfOthers.map(({ name }) => name)).toEqual([
    ...['kill-second-api', 'kill-second-worker', 'kill-relay'],
    ...['stop-api', 'stop-worker', 'stop-temporal'],
  ]);
});
