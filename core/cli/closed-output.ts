/** 128 + SIGPIPE: what a shell reports of a Unix tool whose reader went away. */
const EXIT_CODE = 141;

/**
 * Ends the process quietly once nobody reads its output (`npm run runs | head -1`), as SIGPIPE ends other Unix
 * tools; Node turns that signal off and gives an error instead. A command that watches signals, because it has
 * something to save, is asked to stop with SIGTERM.
 */
export function endWhenOutputCloses(): void {
  let closed = false;
  const onError = (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (closed) return;
    closed = true;
    if (process.listenerCount('SIGTERM') > 0) process.kill(process.pid, 'SIGTERM');
    else process.exit(EXIT_CODE);
  };
  process.stdout.on('error', onError);
  process.stderr.on('error', onError);
}
