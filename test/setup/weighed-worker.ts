import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { exitWithWorker, runWorkerProcess } from '../../src/main/worker-process.ts';

/** A worker that collects its garbage when it gets SIGUSR2, and says what is left: one line `"msg":"weighed"`. */
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

process.on('SIGUSR2', () => {
  collect();
  process.stdout.write(`${JSON.stringify({ msg: 'weighed', heapBytes: process.memoryUsage().heapUsed })}\n`);
});

exitWithWorker(runWorkerProcess());
