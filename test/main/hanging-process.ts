import { guardAgainstHanging } from '../../src/main/hang-guard.ts';

/** Says that it runs, and hangs. */
guardAgainstHanging();
setTimeout(() => {
  process.stdout.write('hangs\n');
  for (;;);
}, 1_000);
