import { diskError } from '../fs/disk-error.ts';

/** 128 + SIGPIPE: what a shell reports of a Unix tool whose reader went away. */
const EXIT_CODE = 141;

/**
 * Ends the process quietly once nobody reads its output (`npm run runs | head -1`), as SIGPIPE ends other Unix
 * tools; Node turns that signal off and gives an error instead. A command that watches signals, because it has
 * something to save, is asked to stop with SIGTERM. Output that goes to a full disk ends it with one line and
 * exit code 1.
 */
export function endWhenOutputCloses(): void {
  let closed = false;
  const onError = (error: NodeJS.ErrnoException) => {
    const refused = diskError(error);
    if (error.code !== 'EPIPE' && refused === undefined) throw error;
    if (closed) return;
    closed = true;
    if (refused !== undefined) {
      process.exitCode = 1;
      process.stderr.write(`error: ${refused.replace('a file', 'the output')}\n`);
    }
    if (process.listenerCount('SIGTERM') > 0) process.kill(process.pid, 'SIGTERM');
    else process.exit(refused === undefined ? EXIT_CODE : 1);
  };
  process.stdout.on('error', onError);
  process.stderr.on('error', onError);
}
