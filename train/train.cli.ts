import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { formatPercent } from '../core/cli/format.ts';
import { runMain } from '../core/cli/main.ts';
import { kebabCase, type ParsedOptions, parseOptions } from '../core/cli/options.ts';
import { formatDuration } from '../core/cli/progress.ts';
import type { ImageDataset } from '../core/data/dataset.ts';
import { UserError } from '../core/errors.ts';
import { diskError } from '../core/fs/disk-error.ts';
import { fewClasses } from '../core/metrics/few-classes.ts';
import type { ModelAccuracy } from '../core/model-metadata.ts';
import { buildModel, MODEL_NAMES, withImageNetStem } from '../core/models/zoo.ts';
import { countMacs } from '../core/onnx/count-macs.ts';
import type { Graph } from '../core/onnx/graph.ts';
import { parameterCount } from '../core/onnx/roles.ts';
import { RunDirectory } from '../core/runs/run-directory.ts';
import type { CheckpointProgress } from '../core/weights/checkpoint.ts';
import { findLast } from './checkpointing.ts';
import { consoleObserver, watchInterrupt } from './console.ts';
import type { Device } from './engine/providers/device.ts';
import { PROVIDERS } from './engine/providers/providers.ts';
import { sizeSeen } from './fine-tune/enlarge.ts';
import type { OpenedStart } from './fine-tune/start-model.ts';
import { DATA_CLI_OPTIONS, dataOptions, loadTrainingData } from './load-data.ts';
import { isFinished } from './loop.ts';
import {
  CHANGEABLE,
  planRun,
  type ResumedRun,
  readResumed,
  rememberChanges,
  rereadData,
  whyNoLonger,
} from './plan-run.ts';
import { givenSettings, settingOptions } from './recipe/command-line.ts';
import { settle } from './recipe/make-config.ts';
import { namedRecipe, PRESET_CLI_OPTION } from './recipe/recipe-file.ts';
import {
  AUGMENTATION,
  FINE_TUNING,
  MACHINE,
  model,
  plainEpochs,
  progressive,
  type Recipe,
  seed,
  TRAINING,
  type TrainConfig,
  trainImages,
} from './recipe/settings.ts';
import { LOGS, type LogName, readLogs } from './runs/logs.ts';
import type { TrainResult } from './trainer.ts';

const command = {
  name: 'train',
  summary: 'Trains a classifier with onnxruntime or TensorFlow.js; without options, what suits this machine.',
  options: {
    ...PRESET_CLI_OPTION,
    ...settingOptions({ model, ...FINE_TUNING }),
    stem: {
      type: 'string',
      value: 'NAME',
      help: 'of a ResNet: cifar is a 3x3 conv, imagenet a 7x7 conv and max-pooling, for large images; default cifar',
      choices: ['cifar', 'imagenet'],
    },
    ...DATA_CLI_OPTIONS,
    ...settingOptions({ ...TRAINING, ...AUGMENTATION, seed, trainImages, progressive, plainEpochs }),
    'max-minutes': { type: 'number', help: 'stop and save after so long, in an evaluation too', min: 0 },
    run: { type: 'string', value: 'DIR', help: 'directory for the run; default runs/<time>-<model>' },
    resume: { type: 'string', value: 'DIR', help: 'continue the run in DIR from its last checkpoint' },
    tensorboard: { type: 'boolean', help: 'write event files for TensorBoard too', default: false },
    log: {
      type: 'list',
      value: LOGS.join('|'),
      help: 'csv: log.csv, a row an epoch; jsonl: steps.jsonl, a line a step; mlflow: to the server MLFLOW_TRACKING_URI',
    },
    ...settingOptions(MACHINE),
  },
  positionals: '[RECIPE]',
} as const;

/** What an image folder's images get unless --image-size says otherwise. */
const DEFAULT_IMAGE_SIZE = 32;

/** What is said goes into the run's train.log too, as soon as there is a run. */
const said: string[] = [];
let logFile: string | undefined;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
  said.push(`${new Date().toISOString()} ${line}\n`);
  if (logFile === undefined) return;
  try {
    appendFileSync(logFile, said.splice(0).join(''));
  } catch {
    // A full disk is said where more than a text is lost.
  }
}

await runMain(async () => {
  const { options, positionals, given } = parseOptions(command, process.argv.slice(2));
  const logs = readLogs(options.log);
  const stored = options.resume === undefined ? undefined : RunDirectory.open(options.resume);
  if (stored) refuseChanges(given, positionals);
  const own = givenSettings(options, given);
  const said = withStem({ ...(await namedRecipe(positionals, options.preset)), ...own }, options.stem);
  const isSize = said.from !== undefined && options.imageSize !== undefined;
  const recipe = isSize ? { netSize: options.imageSize, ...said } : said;
  try {
    // At once, so that a run that is being trained is refused before its data is read.
    await stored?.lock();
    await trainOrResume({ ...options, logs }, recipe, stored, own.batchSize === undefined);
  } finally {
    await stored?.unlock();
  }
});

async function openModel(from: string, netSize: number | undefined): Promise<OpenedStart> {
  const { openStart } = await import('./fine-tune/start-model.ts');
  return openStart(from, netSize);
}

/** The zoo has ResNets of either stem under names of their own, by which all commands know them. */
function withStem(recipe: Recipe, stem: string | undefined): Recipe {
  const { model: named = '' } = recipe;
  const other = named !== '' && MODEL_NAMES.find((name) => withImageNetStem(name) === named);
  if (stem === undefined || (stem === 'imagenet' && other)) return recipe;
  if (stem === 'cifar') return other ? { ...recipe, model: other } : recipe;
  const model = withImageNetStem(named);
  if (MODEL_NAMES.includes(model)) return { ...recipe, model };
  const known = MODEL_NAMES.filter((name) => MODEL_NAMES.includes(withImageNetStem(name)));
  throw new UserError(`--stem imagenet is of ${known.join(', ')}; give one of them with --model`);
}

type Options = ParsedOptions<(typeof command)['options']> & { logs: LogName[] };

async function trainOrResume(
  options: Options,
  recipe: Recipe,
  stored: RunDirectory | undefined,
  fit: boolean,
): Promise<void> {
  const warn = (line: string) => process.stderr.write(`${line}\n`);
  const resumed = stored && (await readResumed(stored, recipe, say));
  const before = resumed && (await resultBefore(resumed));
  // Where its data is now is checked and remembered; nothing else is left to do.
  if (before && options.data === undefined) return tellFinished(resumed, before);
  const { from, netSize } = recipe;
  const opened = resumed || from === undefined ? undefined : await openModel(from, netSize);
  const loaded = await loadTrainingData(
    resumed ? rereadData(resumed, options.data, say) : dataOptions(options, settle(recipe)),
    say,
    opened && { size: netSize ?? sizeSeen(opened.graph), all: recipe.enlarge === 'loader' },
  );
  const plan = await planRun(
    recipe,
    loaded,
    { say, warn },
    { resumed, opened, fit, tryEngines: options.maxMinutes === undefined },
  );
  const { config, model, dataset, device } = plan;
  if (before) {
    await rememberChanges(resumed, dataset);
    return tellFinished(resumed, before);
  }
  describePlan(config, device, model, say);
  describeImageCost(config, dataset, model, say);

  const { createRun, startRun } = await import('./trainer.ts');
  const interrupt = watchInterrupt();
  let path = stored?.path;
  try {
    const { run, result, seconds } = await startRun({
      ...plan,
      tensorboard: options.tensorboard,
      logs: options.logs,
      shouldStop: interrupt.requested,
      ...(options.maxMinutes === undefined ? {} : { maxSeconds: options.maxMinutes * 60 }),
      open: async () => {
        const run = stored ?? (await createRun(config, dataset, options.run, plan));
        path = run.path;
        logFile = join(path, 'train.log');
        if (resumed) await rememberChanges(resumed, dataset);
        say(`run: ${run.path}`);
        return { run, observer: consoleObserver(config, dataset, say) };
      },
    });
    const took = formatDuration(seconds);
    if (!result.finished) {
      const { unevaluated } = result;
      const { count } = dataset[unevaluated ?? 'test'] ?? dataset.test;
      const before = unevaluated ? `, before all ${count} ${unevaluated} images were evaluated` : '';
      const limit =
        options.maxMinutes === undefined || interrupt.requested()
          ? ''
          : ` (--max-minutes ${options.maxMinutes}, in which the engine was opened as well)`;
      say(`stopped after ${took}${limit}${before}; continue with npm run train -- --resume ${run.path}`);
    } else say(`finished in ${took}`);
    if (result.stoppedEarly)
      say(
        `no epoch was better than the best for ${config.patience} epochs (--patience), so that it ended early`,
      );
    tellResult(result, run, config, dataset.validation !== undefined);
    if (interrupt.requested()) process.exitCode = 130;
  } catch (error) {
    const refused = diskError(error);
    if (refused === undefined || path === undefined || !existsSync(join(path, 'config.json'))) throw error;
    throw new UserError(`${refused}; then continue with npm run train -- --resume ${path}`);
  } finally {
    interrupt.release();
  }
}

/** What a run came to that is finished already, its best epoch tested; undefined if something of it is left to do. */
async function resultBefore({ run, config, record }: ResumedRun): Promise<CheckpointProgress | undefined> {
  const found = await findLast(run);
  if (!found || found.damaged !== undefined || !isFinished(found.progress, config)) return undefined;
  const { best, test } = found.progress;
  return best && record.data?.validation !== undefined && !test ? undefined : found.progress;
}

function tellFinished({ run, config, record }: ResumedRun, progress: CheckpointProgress): void {
  const { epoch } = progress;
  const early = epoch < config.epochs ? `, after ${epoch} of ${config.epochs} epochs (--patience)` : '';
  const goOn =
    early === '' && whyNoLonger(config) === undefined
      ? `for more epochs: npm run train -- --resume ${run.path} --epochs ${2 * config.epochs}`
      : `to train its weights further, in a new run: npm run train -- --from ${run.path}`;
  say(`${run.path} was finished before${early}; ${goOn}`);
  tellResult(progress, run, config, record.data?.validation !== undefined);
}

function tellResult(
  { best, test }: Pick<TrainResult, 'best' | 'test'>,
  { path }: RunDirectory,
  { model, labels }: TrainConfig,
  validated: boolean,
): void {
  if (!best) return;
  const split = validated ? 'validation' : 'test';
  say(`best: ${describeAccuracy(best, labels)} on ${best.images} ${split} images`);
  if (test)
    say(
      `test: ${describeAccuracy(test, labels)} on ${test.images} test images, with the weights of the best epoch`,
    );
  say(`export it with npm run export -- --model ${model} --run ${path}`);
}

function describeAccuracy({ top1, top5 }: ModelAccuracy, labels: readonly string[]): string {
  if (fewClasses(labels)) return `${formatPercent(top1)} top-1`;
  return `${formatPercent(top1)} top-1, ${formatPercent(top5)} top-5`;
}

/** What decides a run's result is fixed by its config; only how it is run may change on resuming, and how long. */
function refuseChanges(given: ReadonlySet<string>, recipes: readonly string[]): void {
  const allowed = new Set<string>([...CHANGEABLE, 'resume', 'data', 'maxMinutes', 'tensorboard', 'log']);
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
    `${config.model}: ${parameters} parameters; ${config.epochs} ${config.epochs === 1 ? 'epoch' : 'epochs'} of ${config.trainImages} images, ` +
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

/** Beforehand, for a step on large images may take a minute. */
function describeImageCost(
  { progressive, batchSize }: TrainConfig,
  { height, width, labels }: ImageDataset,
  model: Graph,
  say: (line: string) => void,
): void {
  const small = DEFAULT_IMAGE_SIZE;
  if (height * width <= small * small || progressive.length > 0) return;
  const macs = countMacs(model);
  // Only a net of the zoo can be had in another size: one to go on from may be anybody's, by the same name too.
  const zooMacs = (imageSize: number) =>
    countMacs(buildModel(model.name, { numClasses: labels.length, imageSize }));
  const ratio =
    MODEL_NAMES.includes(model.name) && zooMacs(height) === macs ? macs / zooMacs(small) : undefined;
  const times =
    ratio === undefined ? '' : `, ${ratio.toFixed(ratio < 10 ? 1 : 0)} times those of ${small} x ${small}`;
  // A step is a forward pass and about two of them back.
  const step = 3 * batchSize * macs;
  say(
    `images of ${width} x ${height} pixels: ${millions(macs)} multiply-adds each on this net${times}; ` +
      `${millions(step)} a step`,
  );
}

function millions(count: number): string {
  const [unit, name] = count < 1e9 ? [1e6, 'million'] : [1e9, 'billion'];
  return `${(count / unit).toFixed(count < 10 * unit ? 1 : 0)} ${name}`;
}

function describeAugmentation(config: TrainConfig): string {
  const { augment, cutmixProb, mixupAlpha, randomErasing, progressive, plainEpochs } = config;
  const parts = [`augmentation ${augment}`];
  if (cutmixProb > 0) parts.push(`CutMix ${cutmixProb}`);
  if (mixupAlpha > 0) parts.push(`MixUp ${mixupAlpha}`);
  if (randomErasing > 0) parts.push(`erasing ${randomErasing}`);
  for (const { size, until } of progressive) parts.push(`${size} pixels until ${Math.round(100 * until)} %`);
  const last = plainEpochs === 1 ? 'epoch' : `${plainEpochs} epochs`;
  return `${parts.join(' + ')}${plainEpochs > 0 ? `, plain in the last ${last}` : ''}`;
}
