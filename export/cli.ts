import { runMain } from '../core/cli/main.ts';
import { parseOptions } from '../core/cli/options.ts';
import { exportCommand, readOptions } from './command-line.ts';
import { describeExport } from './describe.ts';
import { exportModel } from './export-model.ts';
import { showProgress } from './show-progress.ts';
import { chooseSource } from './sources/choose-source.ts';

await runMain(async () => {
  const { query, options } = readOptions(parseOptions(exportCommand, process.argv.slice(2)));
  // So that what is half written goes with an interrupted command.
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  const source = await chooseSource(query);
  process.stdout.write(`weights   ${source.origin}\n`);
  const progress = showProgress();
  try {
    const result = await exportModel(source, { ...options, onProgress: progress.update });
    progress.finish();
    process.stdout.write(`${describeExport(result)}\n`);
  } finally {
    progress.finish();
  }
});
