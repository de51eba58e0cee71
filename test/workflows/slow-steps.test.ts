import { replayOf } from '../setup/replayed.ts';
import { playAnswerWhileStepsAreSlow } from '../setup/stories/of-slow-steps.ts';
import { useTestSystem } from '../setup/system.ts';

const system = useTestSystem();

test('a payer who is answered while steps are slow is answered before them in a replay, too', async () => {
  const recorded = await playAnswerWhileStepsAreSlow(system);
  expect(await replayOf(system.env.TEMPORAL_ADDRESS!, recorded)).toBeNull();
});
