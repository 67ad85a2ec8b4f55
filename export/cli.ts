import { runMain } from '../core/cli/main.ts';
import { parseOptions } from '../core/cli/options.ts';
import { DATASET_NAMES } from '../core/data/load.ts';
import { MODEL_NAMES } from '../core/models/zoo.ts';
import { describeExport } from './describe.ts';
import { exportRun } from './export-run.ts';
import { findRun } from './find-run.ts';
import { CHECKPOINT_CHOICES, type CheckpointChoice } from './options.ts';

await runMain(async () => {
  const { options } = parseOptions(
    {
      name: 'export',
      summary: 'Writes the weights of a training run as an ONNX model file, checked with onnxruntime.',
      options: {
        model: {
          type: 'string',
          value: 'NAME',
          help: 'model whose newest run is exported; not needed with --run',
          choices: MODEL_NAMES,
        },
        run: { type: 'string', value: 'DIR', help: 'the run to export; left out: the newest under runs/' },
        checkpoint: {
          type: 'string',
          value: 'NAME',
          help: 'weights of the best evaluation, or the newest ones',
          default: 'best',
          choices: CHECKPOINT_CHOICES,
        },
        out: { type: 'string', value: 'FILE', help: 'the file to write; left out: exports/<model>.onnx' },
        dataset: {
          type: 'string',
          value: 'NAME',
          help: 'only a run on this dataset',
          choices: DATASET_NAMES,
        },
        data: {
          type: 'string',
          value: 'DIR',
          help: 'where CIFAR-100 is, for its label names if the run has none; else CIFAR100_DIR, else ./data',
        },
      },
    },
    process.argv.slice(2),
  );
  const checkpoint = options.checkpoint as CheckpointChoice;
  const { model, dataset, out, data } = options;
  const run = await findRun({ model, dataset, checkpoint, run: options.run });
  process.stdout.write(`run       ${run.path}, ${checkpoint} checkpoint\n`);
  const result = await exportRun({ run, checkpoint, out, data });
  process.stdout.write(`${describeExport(result)}\n`);
});
