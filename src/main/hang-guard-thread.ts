import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';

const STDERR = 2;
const { beats, hungAfterSeconds } = workerData as { beats: Int32Array; hungAfterSeconds: number };
let seen = -1;
let stillForSeconds = 0;

setInterval(() => {
  const now = Atomics.load(beats, 0);
  stillForSeconds = now === seen ? stillForSeconds + 1 : 0;
  seen = now;
  if (stillForSeconds < hungAfterSeconds) return;
  // Not through the logger: its stream belongs to the thread that hangs.
  writeSync(
    STDERR,
    `${JSON.stringify({ level: 60, msg: 'the main thread hangs: the process ends', alert: 'hung' })}\n`,
  );
  process.kill(process.pid, 'SIGKILL');
}, 1_000);
