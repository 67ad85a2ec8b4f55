import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runMain } from '../../core/cli/main.ts';
import { parseOptions } from '../../core/cli/options.ts';
import { UserError } from '../../core/errors.ts';
import { MODEL_NAMES } from '../../core/models/zoo.ts';
import { parameterCount } from '../../core/onnx/roles.ts';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { DATA_CLI_OPTIONS, dataOptions, loadTrainingData } from '../load-data.ts';
import { givenSettings, settingOptions } from '../recipe/command-line.ts';
import { makeConfig, settle } from '../recipe/make-config.ts';
import { AUGMENTATION, seed, TRAINING, trainImages } from '../recipe/settings.ts';
import { STEP_FILES } from './describe.ts';

const { crop, flip } = AUGMENTATION;

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
    ...settingOptions({ ...TRAINING, crop, flip, seed, trainImages }),
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
  const [{ runConfig }, { startModel }, { checkShares, writeStepFiles }] = await Promise.all([
    import('../trainer.ts'),
    import('./start-model.ts'),
    import('./write-step-files.ts'),
  ]);
  const recipe = { ...givenSettings(options, given), replicas: processes };
  const settled = settle(recipe);
  checkShares(settled.batchSize, processes);

  const dataset = await loadTrainingData({ ...dataOptions(options, settled), splits: ['train'] }, say);
  const model = await startModel({
    model: name,
    classes: dataset.labels.length,
    imageSize: dataset.height,
    seed: settled.seed,
    weights: options.weights,
  });
  const config = makeConfig(recipe, model, dataset);
  const run = new RunDirectory(out);
  const { stepsPerEpoch } = await writeStepFiles(run, model, config, {
    shares: processes,
    portable: options.portable,
  });
  // Last, so that a run that is there is whole.
  await run.writeConfig(runConfig(config, dataset));
  say(
    `${name}: ${parameterCount(model).toLocaleString('en')} parameters; ${config.epochs} ${config.epochs === 1 ? 'epoch' : 'epochs'} of ${stepsPerEpoch} steps, ` +
      `batch ${config.batchSize} in ${processes} shares of ${config.batchSize / processes}, ${config.optimizer}`,
  );
  say(`written: ${Object.values(STEP_FILES).join(', ')}, last.safetensors, config.json in ${out}`);
});
