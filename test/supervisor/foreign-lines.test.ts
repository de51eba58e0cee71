import { foreignLine } from '../../src/supervisor/foreign-lines.ts';

const slow = (method: string): string =>
  `{"time":"t","level":"WARN","msg":"Slow gRPC call","wf-id":"booking/b","wf-run-id":"r","duration":59,"method":"/temporal.api.workflowservice.v1.WorkflowService/${method}"}`;
const postgres = (text: string): string => `2026-11-20 15:04:52.909 UTC [27452] ${text}`;

describe('a line of a program that is not ours', () => {
  it.each([
    ['a row that a rule refused', postgres('ERROR:  conflicting key value violates exclusion constraint "one_show"')],
    ['what belongs to it', postgres('STATEMENT:  insert into failed values ($1)')],
    ['a start under way', postgres('FATAL:  the database system is starting up')],
    ['a sweep that was due while the system was stopped', '{"level":"WARN","msg":"Schedule missed catchup window"}'],
    ['a call that waited for a payment', slow('UpdateWorkflowExecution')],
  ])('is no warning when it tells of %s', (_what, line) => expect(foreignLine(line).level).toBe('debug'));

  it.each([
    postgres('ERROR:  deadlock detected'),
    postgres('ERROR:  canceling statement due to statement timeout'),
    postgres('PANIC:  could not write to file: No space left on device'),
    '{"level":"ERROR","msg":"Persistent store operation failure","error":"disk is full"}',
    slow('StartWorkflowExecution'),
  ])('is one otherwise: %s', (line) => expect(foreignLine(line).level).toBe('warn'));

  it('is told by its message and what it is about', () => {
    expect(foreignLine(slow('StartWorkflowExecution'))).toEqual({
      level: 'warn',
      message: 'Slow gRPC call',
      details: {
        'wf-id': 'booking/b',
        duration: 59,
        method: '/temporal.api.workflowservice.v1.WorkflowService/StartWorkflowExecution',
      },
    });
    expect(String(foreignLine(`{"msg":"a dump","state":"${'x'.repeat(9_000)}"}`).details.state)).toHaveLength(301);
  });
});
