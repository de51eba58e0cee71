import { cityTaskQueues, taskQueues, taskQueuesOf } from '../../src/contracts/workflow-ids.ts';
import { servedQueues } from '../../src/main/served-queues.ts';
import { readConfig } from '../../src/platform/config.ts';

const served = (env: Record<string, string>) => servedQueues(readConfig(['CITY_QUEUES', 'WORKER_QUEUES'], env));

describe('a worker serves', () => {
  test('the common queues, where no city has its own', () => {
    expect(served({})).toEqual([taskQueues]);
    expect(served({ CITY_QUEUES: '', WORKER_QUEUES: '' })).toEqual([taskQueues]);
  });

  test('all queues that there are, if it is told nothing else', () => {
    const all = [taskQueues, cityTaskQueues('cit_a'), cityTaskQueues('cit_b')];
    expect(served({ CITY_QUEUES: 'cit_a,cit_b' })).toEqual(all);
  });

  test('only what it is told, also a city whose queues were given up', () => {
    expect(served({ CITY_QUEUES: 'cit_a,cit_b', WORKER_QUEUES: 'cit_b' })).toEqual([cityTaskQueues('cit_b')]);
    expect(served({ WORKER_QUEUES: 'common, cit_gone' })).toEqual([taskQueues, cityTaskQueues('cit_gone')]);
  });
});

test('a city without queues of its own, or unknown, is on the common ones', () => {
  expect(taskQueuesOf('cit_a')).toBe(taskQueues);
  expect(taskQueuesOf('cit_b', ['cit_a'])).toBe(taskQueues);
  expect(taskQueuesOf('cit_a', ['cit_a'])).toEqual(cityTaskQueues('cit_a'));
});
