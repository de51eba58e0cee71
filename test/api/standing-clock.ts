/** Loaded before a process: its clock stands still while there is a file, and is then right again. */
import { existsSync } from 'node:fs';

const order = process.env.CLOCK_STANDS_WHILE_THERE_IS ?? '';
const realNow = Date.now;
let stoodAtMs: number | undefined;

Date.now = () => {
  stoodAtMs = existsSync(order) ? (stoodAtMs ?? realNow()) : undefined;
  return stoodAtMs ?? realNow();
};
