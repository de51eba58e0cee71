import { exitWithWorker, runWorkerProcess } from './worker-process.ts';

exitWithWorker(runWorkerProcess());
