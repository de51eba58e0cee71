import { exitWithRelay, runRelayProcess } from './relay-process.ts';

exitWithRelay(runRelayProcess());
