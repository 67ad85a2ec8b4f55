import { availableParallelism } from 'node:os';
import { formatPercent } from '../core/cli/format.ts';
import { runMain } from '../core/cli/main.ts';
import { parseOptions } from '../core/cli/options.ts';
import { formatDuration } from '../core/cli/progress.ts';
import type { ImageDataset } from '../core/data/dataset.ts';
import type { DatasetChoice } from '../core/data/load.ts';
import { readDatasetRecord } from '../core/data/run-record.ts';
import { UserError } from '../core/errors.ts';
import { buildModel, MODEL_NAMES } from '../core/models/zoo.ts';
import type { Graph } from '../core/onnx/graph.ts';
import { parameterCount } from '../core/onnx/roles.ts';
import { RunDirectory } from '../core/runs/run-directory.ts';
import { chooseModel } from './choose-model.ts';
import {
  DATA_CLI_OPTIONS,
  MACHINE_CLI_OPTIONS,
  makeConfig,
  RECIPE_CLI_OPTIONS,
  TRAIN_IMAGES_CLI_OPTION,
} from './command-line.ts';
import { type EngineName, parseTrainConfig, type TrainConfig } from './config.ts';
import { consoleObserver } from './console-observer.ts';
import { chooseDevice } from './engine/providers/command-line.ts';
import type { Device } from './engine/providers/device.ts';
import { PROVIDERS } from './engine/providers/providers.ts';
import { watchInterrupt } from './interrupt.ts';
import { loadTrainingData } from './load-data.ts';
import { AUGMENT_CLI_OPTIONS, augmentConfig } from './loader/augment/command-line.ts';
import type { Precision } from './precision.ts';
import { applyPreset, PRESET_CLI_OPTION } from './presets.ts';
import { PROGRESSIVE_CLI_OPTION } from './progressive/stages.ts';

const command = {
  name: 'train',
  summary: 'Trains a classifier with onnxruntime or TensorFlow.js; without options, what suits this machine.',
  options: {
    ...PRESET_CLI_OPTION,
    model: {
      type: 'string',
      value: 'NAME',
      help: 'model of the zoo; default: by the number of cores',
      choices: MODEL_NAMES,
    },
    ...DATA_CLI_OPTIONS,
    ...RECIPE_CLI_OPTIONS,
    ...AUGMENT_CLI_OPTIONS,
    seed: { type: 'integer', help: 'decides weights, order and augmentation', default: 42, min: 0 },
    ...TRAIN_IMAGES_CLI_OPTION,
    ...PROGRESSIVE_CLI_OPTION,
    'max-minutes': { type: 'number', help: 'stop and save after so long', min: 0 },
    run: { type: 'string', value: 'DIR', help: 'directory for the run; default runs/<time>-<model>' },
    resume: { type: 'string', value: 'DIR', help: 'continue the run in DIR from its last checkpoint' },
    tensorboard: { type: 'boolean', help: 'write event files for TensorBoard too', default: false },
    ...MACHINE_CLI_OPTIONS,
  },
} as const;

await runMain(async () => {
  const { options, given } = parseOptions(command, process.argv.slice(2));
  const say = (line: string) => process.stdout.write(`${line}\n`);
  const stored = options.resume ? RunDirectory.open(options.resume) : undefined;
  const storedJson = stored && (await stored.readConfig());
  const storedConfig = stored && storedJson && parseTrainConfig(storedJson, stored.configPath);
  if (storedConfig) {
    refuseChanges(given);
    // Engines differ in nothing but rounding, so a run may go on with another.
    if (given.has('engine')) storedConfig.engine = options.engine as EngineName;
  }
  applyPreset(options, given);

  const dataset = await loadTrainingData(
    {
      dataset: (storedConfig?.dataset ?? options.dataset) as DatasetChoice,
      dir: options.data,
      imageSize: options.imageSize,
      // A resumed run goes on with the input it began with.
      ...(stored && storedJson ? readDatasetRecord(storedJson, stored.configPath) : {}),
    },
    say,
  );
  if (storedConfig) checkSameData(storedConfig, dataset);
  const modelName = storedConfig?.model ?? options.model ?? announceModel(say);
  const model = buildModel(modelName, { numClasses: dataset.labels.length, imageSize: dataset.height });
  const precision = storedConfig ? (storedConfig.precision ?? 'fp32') : (options.precision as Precision);
  const device = await chooseDevice(options, precision, (line) => process.stderr.write(`${line}\n`));
  const asked = { ...options, provider: device.provider };
  const config =
    storedConfig ?? makeConfig(asked, given, augmentConfig(options, given), options.seed, model, dataset);
  describePlan(config, device, model, say);

  const { createRun, startRun } = await import('./start-run.ts');
  const interrupt = watchInterrupt();
  try {
    const { run, result, seconds } = await startRun({
      config,
      model,
      dataset,
      threads: options.threads,
      device,
      workers: options.workers,
      resume: stored !== undefined,
      tensorboard: options.tensorboard,
      shouldStop: interrupt.requested,
      ...(options.maxMinutes === undefined ? {} : { maxSeconds: options.maxMinutes * 60 }),
      open: async () => {
        const run = stored ?? (await createRun(config, dataset, options.run));
        say(`run: ${run.path}`);
        const observer = consoleObserver(config.epochs, config.batchSize, dataset.test.count, say);
        return { run, observer };
      },
    });
    const took = formatDuration(seconds);
    if (!result.finished) say(`stopped after ${took}; continue with npm run train -- --resume ${run.path}`);
    else say(`finished in ${took}`);
    if (result.best) {
      say(
        `best: ${formatPercent(result.best.top1)} top-1, ${formatPercent(result.best.top5)} top-5 on ${result.best.images} test images`,
      );
      say(`export it with npm run export -- --model ${config.model} --run ${run.path}`);
    }
    if (interrupt.requested()) process.exitCode = 130;
  } finally {
    interrupt.release();
  }
});

function announceModel(say: (line: string) => void): string {
  const cores = availableParallelism();
  const model = chooseModel(cores);
  say(`chose ${model} for ${cores} CPU cores; give --model for another`);
  return model;
}

/** The weights of a run are of its classes; other ones, or fewer images than it counts on, are other data. */
function checkSameData(config: TrainConfig, dataset: ImageDataset): void {
  if (config.labels.join('\n') !== dataset.labels.join('\n')) {
    throw new UserError('the data has other classes than the run was trained on; give its own with --data');
  }
  if (dataset.train.count < config.trainImages) {
    throw new UserError(
      `the data has ${dataset.train.count} training images where the run has ${config.trainImages}; give its own with --data`,
    );
  }
}

/** What decides a run's result is fixed by its config; only how it is run may change on resuming. */
function refuseChanges(given: ReadonlySet<string>): void {
  const allowed = new Set([
    'resume',
    'data',
    'engine',
    'provider',
    'stepsPerCall',
    'threads',
    'workers',
    'maxMinutes',
    'tensorboard',
  ]);
  const refused = [...given].filter((key) => !allowed.has(key));
  if (refused.length > 0) {
    const flags = refused.map((key) => `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
    throw new UserError(`${flags.join(', ')} cannot be changed on --resume; the run's config.json decides`);
  }
}

function describePlan(config: TrainConfig, device: Device, model: Graph, say: (line: string) => void): void {
  const parameters = parameterCount(model).toLocaleString('en');
  say(
    `${config.model}: ${parameters} parameters; ${config.epochs} epochs of ${config.trainImages} images, ` +
      `batch ${config.batchSize}, ${config.optimizer} lr ${config.learningRate} ` +
      `weight decay ${config.weightDecay}, ${config.schedule}, ${describeAugmentation(config)}, seed ${config.seed}` +
      (config.engine === 'tfjs' ? '; TensorFlow.js' : '') +
      (device.provider === 'cpu' ? '' : `; on ${PROVIDERS[device.provider].label}`) +
      (config.precision === 'fp16' ? '; float16 with a loss scale' : '') +
      (config.replicas > 1
        ? `; ${config.replicas} replicas of batch ${config.batchSize / config.replicas}`
        : ''),
  );
}

function describeAugmentation(config: TrainConfig): string {
  const {
    augment = 'standard',
    cutmixProb = 0,
    mixupAlpha = 0,
    randomErasing = 0,
    progressive = [],
  } = config;
  const parts = [`augmentation ${augment}`];
  if (cutmixProb > 0) parts.push(`CutMix ${cutmixProb}`);
  if (mixupAlpha > 0) parts.push(`MixUp ${mixupAlpha}`);
  if (randomErasing > 0) parts.push(`erasing ${randomErasing}`);
  for (const { size, until } of progressive) parts.push(`${size} pixels until ${Math.round(100 * until)} %`);
  return parts.join(' + ');
}
