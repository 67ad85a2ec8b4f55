import { runMain } from '../../core/cli/main.ts';
import { parseOptions } from '../../core/cli/options.ts';
import { describeReport } from './describe.ts';

await runMain(async () => {
  const { options } = parseOptions(
    {
      name: 'doctor',
      summary: 'Tells what this machine offers, what is set up, and what to install for more.',
      options: { json: { type: 'boolean', help: 'as JSON', default: false } },
    },
    process.argv.slice(2),
  );
  const { examine } = await import('./examine.ts');
  const report = await examine();
  const text = options.json ? JSON.stringify(report, undefined, 2) : describeReport(report);
  process.stdout.write(`${text}\n`);
});
