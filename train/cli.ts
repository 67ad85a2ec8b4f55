import { availableParallelism } from 'node:os';
import { formatPercent } from '../core/cli/format.ts';
import { runMain } from '../core/cli/main.ts';
import { parseOptions } from '../core/cli/options.ts';
import { formatDuration, ProgressBar } from '../core/cli/progress.ts';
import { watchSignals } from '../core/cli/signals.ts';
import type { ImageDataset } from '../core/data/dataset.ts';
import {
  DATASET_CHOICES,
  type DatasetChoice,
  describeLocation,
  loadDatasetFrom,
  locateDataset,
} from '../core/data/load.ts';
import { datasetRecord, readDatasetRecord } from '../core/data/run-record.ts';
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
import { OPTIMIZER_CLI_OPTIONS, optimizerSettings } from './optim/command-line.ts';
import { SCHEDULE_CLI_OPTIONS, scheduleSettings } from './schedule/command-line.ts';
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
    data: {
      type: 'string',
      value: 'DIR',
      help: "folder or archive of the data; else CIFAR100_DIR, else ./data; an image folder's is train/<class>/, test/<class>/",
    },
    'image-size': {
      type: 'integer',
      help: 'height and width that the images of a folder get; default 32',
      min: 8,
      max: 512,
    },
    epochs: { type: 'integer', help: 'passes over the training images', default: 30, min: 1 },
    'batch-size': { type: 'integer', help: 'images a step', default: 128, min: 1 },
    ...OPTIMIZER_CLI_OPTIONS,
    ...SCHEDULE_CLI_OPTIONS,
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
    accumulate: {
      type: 'integer',
      help: 'work through a batch in so many parts and sum the gradients, to need less memory',
      default: 1,
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
  const storedJson = stored && (await stored.readConfig());
  const storedConfig = stored && storedJson && parseTrainConfig(storedJson, stored.configPath);
  if (storedConfig) refuseChanges(given);

  const choice = (storedConfig?.dataset ?? options.dataset) as DatasetChoice;
  const location = await locateDataset({ dataset: choice, dir: options.data });
  say(`data: ${describeLocation(location)}`);
  let bar: ProgressBar | undefined;
  const dataset = await loadDatasetFrom(location, {
    imageSize: options.imageSize,
    // A resumed run goes on with the input it began with.
    ...(stored && storedJson ? readDatasetRecord(storedJson, stored.configPath) : {}),
    onProgress: (done, total) => {
      bar ??= new ProgressBar({ label: 'decode', total, unit: 'images' });
      bar.update(done);
    },
  }).finally(() => bar?.finish());
  if (storedConfig) checkSameData(storedConfig, dataset);
  const modelName = storedConfig?.model ?? options.model ?? chooseModel(say);
  const model = buildModel(modelName, { numClasses: dataset.labels.length, imageSize: dataset.height });
  const config = storedConfig ?? makeConfig(options, given, model, dataset);
  initializeParameters(model, config.seed);
  describePlan(config, model, say);

  const interrupt = watchInterrupt();
  const engine = await createEngine(model, config, options.threads);
  try {
    // Last, so that a mistake in the options leaves no directory behind.
    const run = stored ?? (await RunDirectory.create(`${config.model}-${dataset.name}`, options.run));
    if (!stored) await run.writeConfig({ ...config, ...datasetRecord(dataset) });
    say(`run: ${run.path}`);
    const start = performance.now();
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
  if (trainImages < options.batchSize) {
    throw new UserError(
      `${trainImages} training images do not fill a batch of ${options.batchSize}; lower --batch-size`,
    );
  }
  return {
    model: model.name,
    dataset: dataset.name,
    trainImages,
    epochs: options.epochs,
    batchSize: options.batchSize,
    ...optimizerSettings(options, given),
    ...scheduleSettings(options, given, options.epochs),
    labelSmoothing: options.labelSmoothing,
    ...augmentConfig(options, given),
    seed: options.seed,
    engine: 'ort',
    replicas: options.replicas ?? chooseReplicas(model, options.batchSize / options.accumulate),
    accumulate: options.accumulate,
    labels: dataset.labels,
  };
}

function chooseModel(say: (line: string) => void): string {
  const cores = availableParallelism();
  const model = cores >= CORES_FOR_RESNET18 ? 'resnet18' : 'resnet20';
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
      `batch ${config.batchSize}, ${config.optimizer} lr ${config.learningRate} ` +
      `weight decay ${config.weightDecay}, ${config.schedule}, seed ${config.seed}` +
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
