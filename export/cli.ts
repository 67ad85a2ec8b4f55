import { runMain } from '../core/cli/main.ts';
import { parseOptions } from '../core/cli/options.ts';
import { exportCommand, readOptions } from './command-line.ts';
import { describeExport } from './describe.ts';
import { exportForeign } from './export-foreign.ts';
import { exportModel } from './export-model.ts';
import type { ExportOptions } from './options.ts';
import { showProgress } from './show-progress.ts';
import { chooseSource, type SourceQuery } from './sources/choose-source.ts';
import { writeTarget } from './targets/write-target.ts';

await runMain(async () => {
  const { query, options, target, storageUri, foreign } = readOptions(
    parseOptions(exportCommand, process.argv.slice(2)),
  );
  // So that what is half written goes with an interrupted command.
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  const model = foreign ? await adapt(foreign, options.out) : await exportTrained(query, options);
  if (target === undefined) return;
  const files = await writeTarget(target, { model, storageUri });
  process.stdout.write(`${target.padEnd(9)} ${files.join(', ')}\n`);
});

/** @returns the model's path */
async function exportTrained(query: SourceQuery, options: ExportOptions): Promise<string> {
  const source = await chooseSource(query);
  process.stdout.write(`${[`weights   ${source.origin}`, ...source.remarks].join('\n')}\n`);
  const progress = showProgress();
  try {
    const result = await exportModel(source, { ...options, onProgress: progress.update });
    progress.finish();
    process.stdout.write(`${describeExport(result)}\n`);
    return result.path;
  } finally {
    progress.finish();
  }
}

/** @returns the model's path */
async function adapt(
  { model, preprocessing }: { model: string; preprocessing: string | undefined },
  out: string | undefined,
): Promise<string> {
  const { path, bytes, metadata } = await exportForeign(model, { preprocessing, out });
  process.stdout.write(
    `model     ${metadata.model}, ${metadata.labels.length} classes, ${metadata.inputHeight}x${metadata.inputWidth}, in ${path}\n` +
      `size      ${(bytes / 1e6).toFixed(2)} MB\n` +
      `serve it  npm run serve -- --model ${path}\n`,
  );
  return path;
}
