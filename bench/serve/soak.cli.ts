import { runMain } from '../../core/cli/main.ts';
import { parseOptions } from '../../core/cli/options.ts';

await runMain(async () => {
  const { options } = parseOptions(
    {
      name: 'soak',
      summary: 'Attacks a server of its own, and says what those who mean well noticed of it.',
      options: {
        minutes: { type: 'number', help: 'how long in all', default: 10, min: 1, max: 1440 },
        mixed: {
          type: 'integer',
          value: 'REQUESTS',
          help: 'instead: so many good, bad and cut-off requests, and what memory a request costs',
          min: 1000,
        },
      },
    },
    process.argv.slice(2),
  );
  const { soakAttacked, soakMixed } = await import('./soak.ts');
  if (options.mixed !== undefined) await soakMixed(options.mixed);
  else await soakAttacked(options.minutes);
});
