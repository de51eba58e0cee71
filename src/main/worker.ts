import { exitWith, runWorkerProcess } from './worker-process.ts';

exitWith(runWorkerProcess());
