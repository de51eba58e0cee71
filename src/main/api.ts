import { exitWith, runApiProcess } from './api-process.ts';

exitWith(runApiProcess());
