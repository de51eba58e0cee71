import { exitWithApi, runApiProcess } from './api-process.ts';

exitWithApi(runApiProcess());
