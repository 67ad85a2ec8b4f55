import { setTimeout as sleep } from 'node:timers/promises';
import { runMain } from '../../core/cli/main.ts';
import { watchSignals } from '../../core/cli/signals.ts';

/**
 * A command line for closed-output.test.ts: prints lines on stdout, or on stderr, until it is ended. With
 * `saves`, it watches signals and goes on until it has exited in its own way, with code 3.
 */
const [stream, saves] = process.argv.slice(2);
await runMain(async () => {
  let asked = false;
  if (saves) watchSignals(() => (asked = true));
  while (!asked) {
    (stream === 'stderr' ? process.stderr : process.stdout).write('a line\n');
    await sleep(5);
  }
  // A command may well have more to say.
  for (let line = 0; line < 5; line++) process.stdout.write('stopping\n');
  process.exitCode = 3;
});
