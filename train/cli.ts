import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { formatPercent } from '../core/cli/format.ts';
import { runMain } from '../core/cli/main.ts';
import { kebabCase, type ParsedOptions, parseOptions } from '../core/cli/options.ts';
import { formatDuration } from '../core/cli/progress.ts';
import type { ImageDataset } from '../core/data/dataset.ts';
import type { DatasetChoice, LoadDatasetOptions } from '../core/data/load.ts';
import {
  checkSameImages,
  type DatasetRecord,
  readDatasetRecord,
  rereadOptions,
} from '../core/data/run-record.ts';
import { UserError } from '../core/errors.ts';
import { diskError } from '../core/fs/disk-error.ts';
import type { ModelAccuracy } from '../core/model-metadata.ts';
import { buildModel } from '../core/models/zoo.ts';
import type { Graph } from '../core/onnx/graph.ts';
import { parameterCount } from '../core/onnx/roles.ts';
import { RunDirectory } from '../core/runs/run-directory.ts';
import { chooseModel } from './choose-model.ts';
import { consoleObserver, watchInterrupt } from './console.ts';
import { chooseDevice } from './engine/providers/choose-device.ts';
import type { Device } from './engine/providers/device.ts';
import { PROVIDERS } from './engine/providers/providers.ts';
import { DATA_CLI_OPTIONS, dataOptions, loadTrainingData } from './load-data.ts';
import { givenSettings, settingOptions } from './recipe/command-line.ts';
import { makeConfig, settle, withEpochs } from './recipe/make-config.ts';
import { parseTrainConfig } from './recipe/parse.ts';
import { namedRecipe, PRESET_CLI_OPTION } from './recipe/recipe-file.ts';
import {
  AUGMENTATION,
  MACHINE,
  model,
  progressive,
  type Recipe,
  seed,
  TRAINING,
  type TrainConfig,
  trainImages,
} from './recipe/settings.ts';

const command = {
  name: 'train',
  summary: 'Trains a classifier with onnxruntime or TensorFlow.js; without options, what suits this machine.',
  options: {
    ...PRESET_CLI_OPTION,
    ...settingOptions({ model }),
    ...DATA_CLI_OPTIONS,
    ...settingOptions({ ...TRAINING, ...AUGMENTATION, seed, trainImages, progressive }),
    'max-minutes': { type: 'number', help: 'stop and save after so long', min: 0 },
    run: { type: 'string', value: 'DIR', help: 'directory for the run; default runs/<time>-<model>' },
    resume: { type: 'string', value: 'DIR', help: 'continue the run in DIR from its last checkpoint' },
    tensorboard: { type: 'boolean', help: 'write event files for TensorBoard too', default: false },
    ...settingOptions(MACHINE),
  },
  positionals: '[RECIPE]',
} as const;

const say = (line: string) => process.stdout.write(`${line}\n`);

await runMain(async () => {
  const { options, positionals, given } = parseOptions(command, process.argv.slice(2));
  const stored = options.resume === undefined ? undefined : RunDirectory.open(options.resume);
  if (stored) refuseChanges(given, positionals);
  const recipe = { ...(await namedRecipe(positionals, options.preset)), ...givenSettings(options, given) };
  try {
    // At once, so that a run that is being trained is refused before its data is read.
    await stored?.lock();
    await trainOrResume(options, recipe, stored);
  } finally {
    await stored?.unlock();
  }
});

type Options = ParsedOptions<(typeof command)['options']>;

async function trainOrResume(
  options: Options,
  recipe: Recipe,
  stored: RunDirectory | undefined,
): Promise<void> {
  const resumed = stored && (await readStored(stored, options, recipe));
  const settings = settle(recipe);
  const dataset = await loadTrainingData(resumed ? resumed.read : dataOptions(options, settings.seed), say);
  if (resumed) checkSameData(resumed.config, resumed.record, dataset);
  const modelName = resumed?.config.model ?? settings.model ?? announceModel(say);
  const model = buildModel(modelName, { numClasses: dataset.labels.length, imageSize: dataset.height });
  const { precision } = resumed?.config ?? settings;
  const warn = (line: string) => process.stderr.write(`${line}\n`);
  const device = await chooseDevice({ ...settings, precision }, warn);
  const config = resumed?.config ?? makeConfig({ ...recipe, provider: device.provider }, model, dataset);
  describePlan(config, device, model, say);

  const { createRun, startRun } = await import('./trainer.ts');
  const interrupt = watchInterrupt();
  let path = stored?.path;
  try {
    const { run, result, seconds } = await startRun({
      config,
      model,
      dataset,
      threads: settings.threads,
      device,
      workers: settings.workers,
      resume: stored !== undefined,
      tensorboard: options.tensorboard,
      shouldStop: interrupt.requested,
      ...(options.maxMinutes === undefined ? {} : { maxSeconds: options.maxMinutes * 60 }),
      open: async () => {
        const run = stored ?? (await createRun(config, dataset, options.run));
        path = run.path;
        if (resumed) await rememberChanges(run, resumed, dataset);
        say(`run: ${run.path}`);
        return { run, observer: consoleObserver(config, dataset, say) };
      },
    });
    const took = formatDuration(seconds);
    if (!result.finished) say(`stopped after ${took}; continue with npm run train -- --resume ${run.path}`);
    else say(`finished in ${took}`);
    const { best, test } = result;
    if (best) {
      const split = dataset.validation ? 'validation' : 'test';
      say(`best: ${describeAccuracy(best)} on ${best.images} ${split} images`);
      if (test)
        say(
          `test: ${describeAccuracy(test)} on ${test.images} test images, with the weights of the best epoch`,
        );
      say(`export it with npm run export -- --model ${config.model} --run ${run.path}`);
    }
    if (interrupt.requested()) process.exitCode = 130;
  } catch (error) {
    const refused = diskError(error);
    if (refused === undefined || path === undefined || !existsSync(join(path, 'config.json'))) throw error;
    throw new UserError(`${refused}; then continue with npm run train -- --resume ${path}`);
  } finally {
    interrupt.release();
  }
}

function describeAccuracy({ top1, top5 }: ModelAccuracy): string {
  return `${formatPercent(top1)} top-1, ${formatPercent(top5)} top-5`;
}

/** A run that goes on. */
interface Resumed {
  config: TrainConfig;
  /** All of config.json. */
  json: Record<string, unknown>;
  record: Partial<DatasetRecord>;
  /** How its data is read. */
  read: LoadDatasetOptions & { dataset: DatasetChoice };
  /** Whether it gets more epochs than it was begun with. */
  extended: boolean;
}

async function readStored(run: RunDirectory, options: Options, asked: Recipe): Promise<Resumed> {
  const json = await run.readConfig();
  let config = parseTrainConfig(json, run.configPath);
  const { epochs } = config;
  if (asked.epochs !== undefined) config = withEpochs(config, asked.epochs);
  // Engines differ in nothing but rounding, so a run may go on with another.
  if (asked.engine !== undefined) config = { ...config, engine: asked.engine };
  if (await run.neverBegan()) say(`${run.path} was ended before its first checkpoint; it begins anew`);
  if (config.epochs > epochs && config.schedule === 'multistep') {
    say(
      `${config.epochs} epochs instead of ${epochs}; the rate falls at the same epochs: ${config.milestones.join(', ')}`,
    );
  }
  const record = readDatasetRecord(json, run.configPath);
  const dataset = config.dataset as DatasetChoice;
  const read = { dataset, dir: dataFolder(config, record, options.data), ...rereadOptions(record) };
  return { config, json, record, read, extended: config.epochs > epochs };
}

/** What a resumed run's config.json must state anew: more epochs, another place of the same data. */
async function rememberChanges(run: RunDirectory, resumed: Resumed, dataset: ImageDataset): Promise<void> {
  const { json, record, config, extended } = resumed;
  const { path } = dataset.origin ?? {};
  const moved = record.data?.path !== undefined && path !== undefined && path !== record.data.path;
  if (!extended && !moved) return;
  await run.writeConfig({
    ...json,
    epochs: config.epochs,
    ...(moved ? { data: { ...record.data, path } } : {}),
  });
}

/** Where a run's data is now: where it is said to be, else where it was. */
function dataFolder(
  { dataset }: TrainConfig,
  { data }: Partial<DatasetRecord>,
  given: string | undefined,
): string | undefined {
  if (given !== undefined || data?.path === undefined) return given;
  if (existsSync(data.path)) return data.path;
  const line = `the data of the run was in ${data.path}, which is not there any more`;
  if (dataset === 'folder') throw new UserError(`${line}; say where it is now with --data DIR`);
  say(`${line}; looking in the usual places (--data says where)`);
  return undefined;
}

function announceModel(say: (line: string) => void): string {
  const cores = availableParallelism();
  const model = chooseModel(cores);
  say(`chose ${model} for ${cores} CPU cores; give --model for another`);
  return model;
}

/** The weights of a run are of its classes; other ones, or fewer images than it counts on, are other data. */
function checkSameData(config: TrainConfig, { data }: Partial<DatasetRecord>, dataset: ImageDataset): void {
  if (config.labels.join('\n') !== dataset.labels.join('\n')) {
    throw new UserError('the data has other classes than the run was trained on; give its own with --data');
  }
  if (dataset.train.count < config.trainImages) {
    throw new UserError(
      `the data has ${dataset.train.count} training images where the run has ${config.trainImages}; give its own with --data`,
    );
  }
  checkSameImages(data, dataset, config.trainImages);
}

/** What decides a run's result is fixed by its config; only how it is run may change on resuming, and how long. */
function refuseChanges(given: ReadonlySet<string>, recipes: readonly string[]): void {
  const allowed = new Set([
    'resume',
    'data',
    'epochs',
    'engine',
    'provider',
    'stepsPerCall',
    'threads',
    'workers',
    'maxMinutes',
    'tensorboard',
  ]);
  const refused = [...given].filter((key) => !allowed.has(key));
  if (recipes.length > 0)
    throw new UserError(`${recipes[0]} cannot be given on --resume; the run's config.json decides`);
  if (refused.length > 0) {
    const flags = refused.map((key) => `--${kebabCase(key)}`);
    throw new UserError(`${flags.join(', ')} cannot be changed on --resume; the run's config.json decides`);
  }
}

function describePlan(config: TrainConfig, device: Device, model: Graph, say: (line: string) => void): void {
  const parameters = parameterCount(model).toLocaleString('en');
  say(
    `${config.model}: ${parameters} parameters; ${config.epochs} epochs of ${config.trainImages} images, ` +
      `batch ${config.batchSize}, ${config.optimizer} lr ${config.learningRate} ` +
      `weight decay ${config.weightDecay}, ${config.schedule}${config.cycleMomentum ? ' with momentum 0.95 to 0.85 and back' : ''}, ${describeAugmentation(config)}, seed ${config.seed}` +
      (config.engine === 'tfjs' ? '; TensorFlow.js' : '') +
      (device.provider === 'cpu' ? '' : `; on ${PROVIDERS[device.provider].label}`) +
      (config.precision === 'fp16' ? '; float16 with a loss scale' : '') +
      (config.replicas > 1
        ? `; ${config.replicas} replicas of batch ${config.batchSize / config.replicas}`
        : ''),
  );
}

function describeAugmentation(config: TrainConfig): string {
  const { augment, cutmixProb, mixupAlpha, randomErasing, progressive } = config;
  const parts = [`augmentation ${augment}`];
  if (cutmixProb > 0) parts.push(`CutMix ${cutmixProb}`);
  if (mixupAlpha > 0) parts.push(`MixUp ${mixupAlpha}`);
  if (randomErasing > 0) parts.push(`erasing ${randomErasing}`);
  for (const { size, until } of progressive) parts.push(`${size} pixels until ${Math.round(100 * until)} %`);
  return parts.join(' + ');
}
