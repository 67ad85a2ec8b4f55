import { existsSync } from 'node:fs';
import { formatPercent } from '../../core/cli/format.ts';
import { runMain } from '../../core/cli/main.ts';
import { parseOptions } from '../../core/cli/options.ts';
import { cleanLines, printableJson } from '../../core/cli/printable.ts';
import { ProgressBar } from '../../core/cli/progress.ts';
import { DATASET_CHOICES } from '../../core/data/load.ts';
import { testImagesInTraining } from '../../core/data/report/duplicates.ts';
import { UserError } from '../../core/errors.ts';
import { checkHasTraining, TALLY_OPTIONS } from '../../core/metrics/tally.ts';
import { MODEL_NAMES } from '../../core/models/zoo.ts';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { RUNTIME_OPTION, type RuntimeChoice, requireRuntime } from '../../core/runtime/runtimes.ts';

await runMain(async () => {
  const { options } = parseOptions(
    {
      name: 'test-model',
      summary: 'Tests weights on the test images: accuracy, each class, and what is taken for what.',
      options: {
        weights: {
          type: 'string',
          value: 'FILE',
          help: 'a .safetensors checkpoint, .pth, or any .onnx classifier; left out: the best weights of a run',
        },
        run: { type: 'string', value: 'DIR', help: 'the run to test; left out: the newest under runs/' },
        model: {
          type: 'string',
          value: 'NAME',
          help: 'model of the zoo; left out: found by the tensors',
          choices: MODEL_NAMES,
        },
        ...RUNTIME_OPTION,
        'batch-size': { type: 'integer', help: 'images at a time', default: 100, min: 1, max: 10_000 },
        dataset: {
          type: 'string',
          value: 'NAME',
          help: 'left out: what the weights were trained on, where that is known',
          choices: DATASET_CHOICES,
        },
        data: {
          type: 'string',
          value: 'DIR',
          help: "where the dataset is; else where the run's was, CIFAR100_DIR, ./data; of an image folder test/<class>/, or <class>/ alone",
        },
        out: {
          type: 'string',
          value: 'DIR',
          help: 'where the report and the picture go; left out: <weights>-test, of a folder other than its own <weights>-test-NAME',
        },
        ...TALLY_OPTIONS,
      },
    },
    process.argv.slice(2),
  );
  const { dataset: name, data, limit } = options;
  if (options.weights !== undefined && options.run !== undefined)
    throw new UserError('give --run or --weights, not both');
  const runtime = options.runtime as RuntimeChoice;
  requireRuntime(runtime);
  const weights = options.weights ?? (await bestOfRun(options.run, options.model));
  const it = await import('./test-model.ts');
  const model = await it.loadModel(weights, options.model);
  const { withoutDuplicates, skipBroken, classMap } = options;
  const dataset = await it.loadTestSplit(model, {
    ...{ dataset: name, data, limit, skipBroken, classMap, training: withoutDuplicates },
    onNote: (line) => process.stderr.write(`data: ${line}\n`),
  });
  if (withoutDuplicates) checkHasTraining(dataset);
  const leaveOut = withoutDuplicates ? testImagesInTraining(dataset) : undefined;
  const folder = options.out ?? it.defaultFolder(weights, model.data, dataset);
  await it.makeFolder(folder);
  const progress = new ProgressBar({ label: 'test', total: dataset.test.count, unit: 'images' });
  const outcome = await it.testModel(model, dataset, {
    batchSize: options.batchSize,
    runtime,
    leaveOut,
    onNote: (line) => process.stderr.write(`note: ${cleanLines(line)}\n`),
    onProgress: (done, top1) => progress.update(done, `top-1 ${formatPercent(top1)}`),
  });
  progress.finish();
  const report = it.makeReport({ weights, model: model.model }, dataset, outcome);
  const files = await it.writeResults(folder, report, outcome, dataset);
  const text = options.json
    ? printableJson(report)
    : cleanLines(`${it.describeReport(report)}\nwritten     ${files.join(', ')} in ${folder}`);
  process.stdout.write(`${text}\n`);
});

/** The best weights of the run that is named, or of the newest, of the net if that is named. */
async function bestOfRun(path: string | undefined, model: string | undefined): Promise<string> {
  const run = path === undefined ? await RunDirectory.latest(model) : RunDirectory.open(path);
  if (!run) {
    const of = model === undefined ? '' : ` of ${model}`;
    throw new UserError(
      `no run under runs/ has a best checkpoint${of}; say what to test with --weights FILE or --run DIR`,
    );
  }
  const best = run.checkpointPath('best');
  if (existsSync(best)) return best;
  throw new UserError(`${run.path} has no best checkpoint: no epoch of it is done; go on with --resume`);
}
