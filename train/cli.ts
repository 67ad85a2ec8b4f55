import { availableParallelism } from 'node:os';
import { formatPercent } from '../core/cli/format.ts';
import { runMain } from '../core/cli/main.ts';
import { parseOptions } from '../core/cli/options.ts';
import { formatDuration } from '../core/cli/progress.ts';
import { watchSignals } from '../core/cli/signals.ts';
import type { ImageDataset } from '../core/data/dataset.ts';
import {
  DATASET_CHOICES,
  type DatasetChoice,
  describeLocation,
  loadDatasetFrom,
  locateDataset,
} from '../core/data/load.ts';
import { UserError } from '../core/errors.ts';
import { initializeParameters } from '../core/models/initialize.ts';
import { buildModel, MODEL_NAMES } from '../core/models/zoo.ts';
import type { Graph } from '../core/onnx/graph.ts';
import { parameterCount } from '../core/onnx/roles.ts';
import { RunDirectory } from '../core/runs/run-directory.ts';
import { parseTrainConfig, type TrainConfig } from './config.ts';
import { consoleObserver } from './console-observer.ts';
import { chooseReplicas, createEngine } from './engine/create-engine.ts';
import { AUGMENT_CLI_OPTIONS, augmentConfig } from './loader/augment/command-line.ts';
import { train } from './trainer.ts';

/** Cores from which a net of ImageNet width finishes in a day rather than a week. */
const CORES_FOR_RESNET18 = 16;

const command = {
  name: 'train',
  summary: 'Trains a classifier with onnxruntime; without options, what suits this machine.',
  options: {
    model: {
      type: 'string',
      value: 'NAME',
      help: 'model of the zoo; default: by the number of cores',
      choices: MODEL_NAMES,
    },
    dataset: { type: 'string', value: 'NAME', help: 'dataset', default: 'auto', choices: DATASET_CHOICES },
    data: { type: 'string', value: 'DIR', help: 'where CIFAR-100 is; else CIFAR100_DIR, else ./data' },
    epochs: { type: 'integer', help: 'passes over the training images', default: 30, min: 1 },
    'batch-size': { type: 'integer', help: 'images a step', default: 128, min: 1 },
    optim: { type: 'string', value: 'NAME', help: 'optimiser', default: 'sgd', choices: ['sgd'] },
    lr: { type: 'number', help: 'peak learning rate of the one-cycle schedule', default: 0.1, min: 0 },
    momentum: { type: 'number', help: 'SGD momentum', default: 0.9, min: 0, max: 1 },
    nesterov: { type: 'boolean', help: 'Nesterov momentum', default: false },
    'weight-decay': { type: 'number', help: 'L2 penalty', default: 5e-4, min: 0 },
    'warmup-fraction': {
      type: 'number',
      help: 'share of the steps in which the rate rises',
      default: 0.1,
      min: 0,
      max: 1,
    },
    'label-smoothing': {
      type: 'number',
      help: 'probability spread over all classes',
      default: 0,
      min: 0,
      max: 1,
    },
    ...AUGMENT_CLI_OPTIONS,
    seed: { type: 'integer', help: 'decides weights, order and augmentation', default: 42, min: 0 },
    'train-images': { type: 'integer', help: 'train on the first N images only', min: 1 },
    'max-minutes': { type: 'number', help: 'stop and save after so long', min: 0 },
    run: { type: 'string', value: 'DIR', help: 'directory for the run; default runs/<time>-<model>' },
    resume: { type: 'string', value: 'DIR', help: 'continue the run in DIR from its last checkpoint' },
    replicas: {
      type: 'integer',
      help: 'threads that each train on a share of the batch; default: one a core for small nets',
      min: 1,
    },
    threads: { type: 'integer', help: 'onnxruntime threads; default: one a core', min: 1 },
    workers: { type: 'integer', help: 'threads that make batches', default: 1, min: 1 },
  },
} as const;

await runMain(async () => {
  const { options, given } = parseOptions(command, process.argv.slice(2));
  const say = (line: string) => process.stdout.write(`${line}\n`);
  const stored = options.resume ? RunDirectory.open(options.resume) : undefined;
  const storedConfig = stored && parseTrainConfig(await stored.readConfig(), stored.configPath);
  if (storedConfig) refuseChanges(given);

  const choice = (storedConfig?.dataset ?? options.dataset) as DatasetChoice;
  const location = await locateDataset({ dataset: choice, ...(options.data ? { dir: options.data } : {}) });
  const dataset = await loadDatasetFrom(location);
  say(`data: ${describeLocation(location)}`);
  const modelName = storedConfig?.model ?? options.model ?? chooseModel(say);
  const model = buildModel(modelName, { numClasses: dataset.labels.length, imageSize: dataset.height });
  const config = storedConfig ?? makeConfig(options, given, model, dataset);
  initializeParameters(model, config.seed);
  const run = stored ?? (await RunDirectory.create(`${config.model}-${dataset.name}`, options.run));
  if (!stored) await run.writeConfig({ ...config });
  say(`run: ${run.path}`);
  describePlan(config, model, say);

  const interrupt = watchInterrupt();
  const engine = await createEngine(model, config, options.threads);
  const start = performance.now();
  try {
    const result = await train({
      config,
      model,
      dataset,
      engine,
      run,
      workers: options.workers,
      resume: stored !== undefined,
      shouldStop: interrupt.requested,
      ...(options.maxMinutes === undefined ? {} : { maxSeconds: options.maxMinutes * 60 }),
      observer: consoleObserver(config.epochs, config.batchSize, dataset.test.count, say),
    });
    const took = formatDuration((performance.now() - start) / 1000);
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
    await engine.close();
  }
});

type Options = ReturnType<typeof parseOptions<(typeof command)['options']>>['options'];

function makeConfig(
  options: Options,
  given: ReadonlySet<string>,
  model: Graph,
  dataset: ImageDataset,
): TrainConfig {
  const available = dataset.train.count;
  const trainImages = options.trainImages ?? available;
  if (trainImages > available) {
    throw new UserError(
      `--train-images ${trainImages} is more than the ${available} training images of ${dataset.name}`,
    );
  }
  return {
    model: model.name,
    dataset: dataset.name,
    trainImages,
    epochs: options.epochs,
    batchSize: options.batchSize,
    optimizer: 'sgd',
    learningRate: options.lr,
    momentum: options.momentum,
    nesterov: options.nesterov,
    weightDecay: options.weightDecay,
    schedule: 'onecycle',
    warmupFraction: options.warmupFraction,
    labelSmoothing: options.labelSmoothing,
    ...augmentConfig(options, given),
    seed: options.seed,
    engine: 'ort',
    replicas: options.replicas ?? chooseReplicas(model, options.batchSize),
    labels: dataset.labels,
  };
}

function chooseModel(say: (line: string) => void): string {
  const cores = availableParallelism();
  const model = cores >= CORES_FOR_RESNET18 ? 'resnet18' : 'resnet20';
  say(`chose ${model} for ${cores} CPU cores; give --model for another`);
  return model;
}

/** What decides a run's result is fixed by its config; only how it is run may change on resuming. */
function refuseChanges(given: ReadonlySet<string>): void {
  const allowed = new Set(['resume', 'data', 'threads', 'workers', 'maxMinutes']);
  const refused = [...given].filter((key) => !allowed.has(key));
  if (refused.length > 0) {
    const flags = refused.map((key) => `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
    throw new UserError(`${flags.join(', ')} cannot be changed on --resume; the run's config.json decides`);
  }
}

function describePlan(config: TrainConfig, model: Graph, say: (line: string) => void): void {
  const parameters = parameterCount(model).toLocaleString('en');
  say(
    `${config.model}: ${parameters} parameters; ${config.epochs} epochs of ${config.trainImages} images, ` +
      `batch ${config.batchSize}, ${config.optimizer} lr ${config.learningRate} momentum ${config.momentum} ` +
      `weight decay ${config.weightDecay}, one-cycle, seed ${config.seed}` +
      (config.replicas > 1
        ? `; ${config.replicas} replicas of batch ${config.batchSize / config.replicas}`
        : ''),
  );
}

/** First Ctrl-C: finish the step and save. Second: leave at once. */
function watchInterrupt(): { requested: () => boolean; release: () => void } {
  let requested = false;
  const release = watchSignals(
    () => {
      requested = true;
      process.stderr.write('\nstopping after this step; once more to leave at once\n');
    },
    () => process.exit(130),
  );
  return { requested: () => requested, release };
}
