import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runMain } from '../../core/cli/main.ts';
import { parseOptions } from '../../core/cli/options.ts';
import type { DatasetChoice } from '../../core/data/load.ts';
import { UserError } from '../../core/errors.ts';
import { MODEL_NAMES } from '../../core/models/zoo.ts';
import { parameterCount } from '../../core/onnx/roles.ts';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import {
  DATA_CLI_OPTIONS,
  makeConfig,
  RECIPE_CLI_OPTIONS,
  TRAIN_IMAGES_CLI_OPTION,
} from '../command-line.ts';
import { loadTrainingData } from '../load-data.ts';
import { AUGMENT_CLI_OPTIONS, augmentConfig } from '../loader/augment/command-line.ts';
import { optimizerSettings } from '../optim/command-line.ts';
import { STEP_FILES } from './describe.ts';

const { crop, flip } = AUGMENT_CLI_OPTIONS;

const command = {
  name: 'step-graph',
  summary:
    'Writes the training step of a run as ONNX graphs, for several processes or machines; see docs/data-parallel.md.',
  options: {
    model: { type: 'string', value: 'NAME', help: 'model of the zoo', choices: MODEL_NAMES },
    out: { type: 'string', value: 'DIR', help: 'a new directory for the run and its graphs' },
    processes: {
      type: 'integer',
      help: 'equal shares of a batch, one a process; batch norm sees the share',
      default: 2,
      min: 1,
    },
    weights: {
      type: 'string',
      value: 'FILE',
      help: 'start from these weights (.safetensors or .pth) instead of random ones',
    },
    ...DATA_CLI_OPTIONS,
    ...RECIPE_CLI_OPTIONS,
    crop,
    flip,
    seed: { type: 'integer', help: 'decides weights, order and augmentation', default: 42, min: 0 },
    ...TRAIN_IMAGES_CLI_OPTION,
    portable: {
      type: 'boolean',
      help: "use ONNX's own operators only, for providers and engines without onnxruntime's",
      default: false,
    },
  },
} as const;

await runMain(async () => {
  const { options, given } = parseOptions(command, process.argv.slice(2));
  const say = (line: string) => process.stdout.write(`${line}\n`);
  const { model: name, out, processes } = options;
  if (name === undefined || out === undefined)
    throw new UserError('give --model NAME and --out DIR; see npm run step-graph -- --help');
  if (existsSync(join(out, 'config.json')))
    throw new UserError(`${out} already holds a run; give another --out`);
  // Before the data is read, which may take a while.
  const [{ createRun }, { startModel }, { checkShares, writeStepFiles }] = await Promise.all([
    import('../start-run.ts'),
    import('./start-model.ts'),
    import('./write-step-files.ts'),
  ]);
  checkShares(options.batchSize, processes);
  optimizerSettings(options, given);

  const dataset = await loadTrainingData(
    {
      dataset: options.dataset as DatasetChoice,
      dir: options.data,
      imageSize: options.imageSize,
      splits: ['train'],
    },
    say,
  );
  const model = await startModel({
    model: name,
    classes: dataset.labels.length,
    imageSize: dataset.height,
    seed: options.seed,
    weights: options.weights,
  });
  const augment = augmentConfig(
    { ...options, augment: 'standard', randomErasing: 0, cutmixProb: 0, beta: 1, mixupAlpha: 0 },
    given,
  );
  const machine = { replicas: processes, accumulate: 1, engine: 'ort' };
  const config = makeConfig({ ...options, ...machine }, given, augment, options.seed, model, dataset);
  const { stepsPerEpoch } = await writeStepFiles(new RunDirectory(out), model, config, {
    shares: processes,
    portable: options.portable,
  });
  await createRun(config, dataset, out);
  say(
    `${name}: ${parameterCount(model).toLocaleString('en')} parameters; ${config.epochs} epochs of ${stepsPerEpoch} steps, ` +
      `batch ${config.batchSize} in ${processes} shares of ${config.batchSize / processes}, ${config.optimizer}`,
  );
  say(`written: ${Object.values(STEP_FILES).join(', ')}, last.safetensors, config.json in ${out}`);
});
