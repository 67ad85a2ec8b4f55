import { formatPercent } from '../../core/cli/format.ts';
import { runMain } from '../../core/cli/main.ts';
import { parseOptions } from '../../core/cli/options.ts';
import { cleanLines, printableJson } from '../../core/cli/printable.ts';
import { ProgressBar } from '../../core/cli/progress.ts';
import { DATASET_CHOICES } from '../../core/data/load.ts';
import { testImagesInTraining } from '../../core/data/report/duplicates.ts';
import { UserError } from '../../core/errors.ts';
import { TALLY_OPTIONS } from '../../core/metrics/tally.ts';
import { MODEL_NAMES } from '../../core/models/zoo.ts';

await runMain(async () => {
  const { options } = parseOptions(
    {
      name: 'test-model',
      summary: 'Tests weights on the test images: accuracy, each class, and what is taken for what.',
      options: {
        weights: { type: 'string', value: 'FILE', help: 'a .safetensors checkpoint, .pth or .onnx file' },
        model: {
          type: 'string',
          value: 'NAME',
          help: 'model of the zoo; left out: found by the tensors',
          choices: MODEL_NAMES,
        },
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
          help: "where the dataset is; else where the run's was, CIFAR100_DIR, ./data",
        },
        out: {
          type: 'string',
          value: 'DIR',
          help: 'where the report and the picture go; left out: <weights>-test',
        },
        ...TALLY_OPTIONS,
      },
    },
    process.argv.slice(2),
  );
  const { weights, dataset: name, data, limit } = options;
  if (weights === undefined) throw new UserError('say what to test with --weights FILE');
  const it = await import('./test-model.ts');
  const model = await it.loadModel(weights, options.model);
  const { withoutDuplicates, skipBroken } = options;
  const dataset = await it.loadTestSplit(model, {
    ...{ dataset: name, data, limit, skipBroken, training: withoutDuplicates },
    onNote: (line) => process.stderr.write(`data: ${line}\n`),
  });
  const leaveOut = withoutDuplicates ? testImagesInTraining(dataset) : undefined;
  const folder = options.out ?? it.defaultFolder(weights);
  await it.makeFolder(folder);
  const progress = new ProgressBar({ label: 'test', total: dataset.test.count, unit: 'images' });
  const outcome = await it.testModel(model, dataset, {
    batchSize: options.batchSize,
    leaveOut,
    onProgress: (done, top1) => progress.update(done, `top-1 ${formatPercent(top1)}`),
  });
  progress.finish();
  const report = it.makeReport({ weights, model: model.model }, dataset, outcome);
  const files = await it.writeResults(folder, report, outcome.matrix, dataset);
  const text = options.json
    ? printableJson(report)
    : cleanLines(`${it.describeReport(report)}\nwritten     ${files.join(', ')} in ${folder}`);
  process.stdout.write(`${text}\n`);
});
