import { oneLine, UserError } from '../errors.ts';
import { diskError } from '../fs/disk-error.ts';
import { HelpRequested } from './options.ts';
import { cleanLines } from './printable.ts';

/**
 * Runs a command line's body. A {@link UserError}, or what the file system refuses (a full disk), becomes one line
 * on stderr and exit code 1; `--help` is printed; anything else is our own bug and keeps its stack. Where nobody
 * reads the output any more, the command ends.
 */
export async function runMain(main: () => Promise<void>): Promise<void> {
  endWhenOutputCloses();
  try {
    await main();
  } catch (error) {
    if (error instanceof HelpRequested) {
      process.stdout.write(`${error.message}\n`);
      return;
    }
    process.exitCode = 1;
    const refused = diskError(error);
    if (error instanceof UserError) process.stderr.write(`error: ${cleanLines(error.message)}\n`);
    else if (refused !== undefined) process.stderr.write(`error: ${cleanLines(oneLine(refused))}\n`);
    else {
      const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.stderr.write(`${cleanLines(stack)}\n`);
    }
  }
}

/** 128 + SIGPIPE: what a shell reports of a Unix tool whose reader went away. */
const EXIT_CODE = 141;

/**
 * Ends the process quietly once nobody reads its output (`npm run runs | head -1`), as SIGPIPE ends other Unix
 * tools; Node turns that signal off and gives an error instead. A command that watches signals, because it has
 * something to save, is asked to stop with SIGTERM. Output that goes to a full disk ends it with one line and
 * exit code 1.
 */
function endWhenOutputCloses(): void {
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
