import { versionOptions } from '../../temporal/worker-version.ts';

const code = `(0,_workflow.patched)('a-change') … (0,_workflow.patched)("another-change")`;

test('a worker that was told no build id and holds nothing back is as it was before there were versions', () => {
  expect(versionOptions({}, code)).toEqual({});
});

test('a worker with a build id takes every workflow further, whatever has begun it', () => {
  expect(versionOptions({ buildId: '2026-11-21' }, code)).toEqual({
    workerDeploymentOptions: {
      version: { deploymentName: 'seatkeeper', buildId: '2026-11-21' },
      useWorkerVersioning: true,
      defaultVersioningBehavior: 'AUTO_UPGRADE',
    },
  });
});

test('a patch that is held back is not begun, and others are', () => {
  const { patchActivationCallback } = versionOptions({ patchesHeldBack: ['a-change'] }, code);
  const begins = (patchId: string) => patchActivationCallback?.({ patchId, workflowInfo: {} as never });
  expect([begins('a-change'), begins('another-change')]).toEqual([false, true]);
});

test('a patch that no workflow asks for cannot be held back: its name is wrong, and the change would be begun', () => {
  expect(() => versionOptions({ patchesHeldBack: ['another-change', 'a-chance'] }, code)).toThrow('a-chance');
});
