import { runMain } from '../../core/cli/main.ts';
import { parseOptions } from '../../core/cli/options.ts';
import { UserError } from '../../core/errors.ts';

/** A command line for options.test.ts: prints its options, or fails in the way asked for. */
await runMain(async () => {
  const { options } = parseOptions(
    {
      name: 'print-options',
      summary: 'Prints its options.',
      options: {
        size: { type: 'integer', help: 'a size', default: 3, min: 1 },
        fail: { type: 'string', help: 'how to fail', choices: ['user', 'bug', 'text'] },
      },
    },
    process.argv.slice(2),
  );
  if (options.fail === 'user') throw new UserError('the size is wrong; give another');
  if (options.fail === 'bug') throw new TypeError('our own mistake');
  if (options.fail === 'text') throw 'a bare text';
  process.stdout.write(`${JSON.stringify(options)}\n`);
});
