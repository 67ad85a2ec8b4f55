import { oneLine, UserError } from '../errors.ts';
import { diskError } from '../fs/disk-error.ts';
import { endWhenOutputCloses } from './closed-output.ts';
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
