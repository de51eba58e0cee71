import { newId } from '../../src/platform/ids.ts';
import { holdAndStart, openShow } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
const system = useTestSystem();
test('history', async () => {
  const show = await openShow(system);
  const booking = await holdAndStart(system, show, [0, 1]);
  const t = Date.now();
  const answer = await system.workflows.pay(booking.id, { attemptId: newId('pay'), method: 'card', token: 'tok_ok' });
  process.stderr.write(JSON.stringify(answer) + (Date.now() - t) + '\n');
  const h = await system.temporal.workflow.getHandle(`booking/${booking.id}`).fetchHistory();
  process.stderr.write(h.events!.map((e) => `${String(e.eventId)} ${Object.keys(e).filter((k) => k.endsWith('Attributes')).join()}`).join('\n') + '\n');
});
