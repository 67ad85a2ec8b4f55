import { runMain } from '../core/cli/main.ts';
import { parseOptions } from '../core/cli/options.ts';
import { cleanLines } from '../core/cli/printable.ts';
import { ProgressBar } from '../core/cli/progress.ts';
import { exportCommand, readOptions } from './command-line.ts';
import { type ExportOptions, TARGET_BATCH, type Target } from './options.ts';
import type { SourceQuery } from './sources/choose-source.ts';

/** Fewer images are done before a bar could be read. */
const WORTH_SHOWING = 50;

await runMain(async () => {
  const onNote = (line: string) => process.stderr.write(`note: ${cleanLines(line)}\n`);
  const { query, forTarget, target, storageUri, foreign, ...read } = readOptions(
    parseOptions(exportCommand, process.argv.slice(2)),
  );
  const options = { ...read.options, onNote };
  // So that what is half written goes with an interrupted command.
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  const isServed = target === 'triton' || target === 'kserve' || target === 'openvino';
  const largestBatch = isServed ? TARGET_BATCH : undefined;
  const { model, files: torch } = foreign
    ? { model: await adapt(foreign, { ...options, largestBatch }), files: undefined }
    : await exportTrained(query, options, target);
  if (target === undefined) return;
  const { writeTarget } = await import('./targets/write-target.ts');
  const exported = { ...options, ...forTarget };
  const files = await writeTarget(target, { model, storageUri, exported, files: torch, onNote });
  process.stdout.write(`${target.padEnd(9)} ${files.join(', ')}\n`);
});

/** @returns the model's path, and for torchvision the files of its weights */
async function exportTrained(query: SourceQuery, options: ExportOptions, target: Target | undefined) {
  const [{ chooseSource }, { exportModel }, { describeExport }] = await Promise.all([
    import('./sources/choose-source.ts'),
    import('./export-model.ts'),
    import('./describe.ts'),
  ]);
  const source = await chooseSource(query);
  process.stdout.write(`${[`weights   ${source.origin}`, ...source.remarks].join('\n')}\n`);
  // First: the export takes the weights, and what torchvision cannot load is said before anything is written.
  const files =
    target === 'torchvision'
      ? (await import('./targets/torchvision.ts')).torchvisionFiles(source)
      : undefined;
  const progress = showProgress();
  try {
    const result = await exportModel(source, { ...options, onProgress: progress.update });
    progress.finish();
    process.stdout.write(`${describeExport(result, options.batch)}\n`);
    return { model: result.path, files };
  } finally {
    progress.finish();
  }
}

/** @returns the model's path */
async function adapt(
  { model, preprocessing }: { model: string; preprocessing: string | undefined },
  options: ExportOptions & { largestBatch: number | undefined },
): Promise<string> {
  const [{ exportForeign }, { describeForeign }] = await Promise.all([
    import('./export-foreign.ts'),
    import('./describe.ts'),
  ]);
  const progress = showProgress();
  try {
    const result = await exportForeign(model, { ...options, preprocessing, onProgress: progress.update });
    progress.finish();
    process.stdout.write(`${describeForeign(result, options.batch)}\n`);
    return result.path;
  } finally {
    progress.finish();
  }
}

/** Progress bars for the parts of an export that take long. */
function showProgress(): { update: NonNullable<ExportOptions['onProgress']>; finish: () => void } {
  let current: { task: string; bar: ProgressBar } | undefined;
  const finish = (): void => {
    current?.bar.finish();
    current = undefined;
  };
  return {
    update: (task, done, total) => {
      if (total < WORTH_SHOWING) return;
      if (current?.task !== task) {
        finish();
        current = { task, bar: new ProgressBar({ label: task, total, unit: 'images' }) };
      }
      current.bar.update(done);
    },
    finish,
  };
}
