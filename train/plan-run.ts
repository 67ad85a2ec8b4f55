import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { ImageDataset, Normalization } from '../core/data/dataset.ts';
import type { DatasetChoice, LoadDatasetOptions } from '../core/data/load.ts';
import {
  checkSameImages,
  type DatasetRecord,
  readDatasetRecord,
  rereadOptions,
} from '../core/data/run-record.ts';
import { UserError } from '../core/errors.ts';
import { buildModel } from '../core/models/zoo.ts';
import type { Graph } from '../core/onnx/graph.ts';
import type { RunDirectory } from '../core/runs/run-directory.ts';
import { chooseModel } from './choose-model.ts';
import type { Training } from './engine/choose-engine.ts';
import { chooseDevice } from './engine/providers/choose-device.ts';
import type { Device } from './engine/providers/device.ts';
import type { OpenedStart } from './fine-tune/start-model.ts';
import { flagOf } from './recipe/command-line.ts';
import { fitBatch, makeConfig, settle } from './recipe/make-config.ts';
import { parseTrainConfig } from './recipe/parse.ts';
import { DEFAULTS, type Recipe, type Settings, type TrainConfig } from './recipe/settings.ts';
import { modelOfRun } from './run-model.ts';

/** What a run is trained with. */
export interface RunPlan {
  config: TrainConfig;
  /** Without weights yet, unless it goes on from another (`from`). */
  model: Graph;
  /** That of the weights it goes on from. */
  licence?: string;
  dataset: ImageDataset;
  device: Device;
  threads: number | undefined;
  workers: number;
  resume: boolean;
}

/** Who hears of what is done otherwise than asked for. */
export interface Hearers {
  say: (line: string) => void;
  warn: (line: string) => void;
}

/**
 * Settles what a new run is, or one that goes on.
 * @param recipe what was said of it; of a run that goes on, of {@link CHANGEABLE} alone
 * @param opened what `from` names, if it is read already
 * @param fit whether the recipe's batch may become smaller where the images do not fill it
 * @param tryEngines whether trial steps may choose the engine, where the recipe does not
 * @throws UserError if settings contradict each other or do not go with the data, or the data is not that of the run
 */
export async function planRun(
  recipe: Recipe,
  dataset: ImageDataset,
  { say, warn }: Hearers,
  {
    resumed,
    opened,
    fit = false,
    tryEngines = false,
  }: {
    resumed?: ResumedRun | undefined;
    opened?: OpenedStart | undefined;
    fit?: boolean;
    tryEngines?: boolean;
  } = {},
): Promise<RunPlan> {
  if (resumed) checkSameData(resumed, dataset);
  const asked = fit && !resumed ? fitBatch(recipe, dataset, say) : recipe;
  const settings = settle(asked);
  const start = await modelToTrain(settings, dataset, { resumed, opened, say });
  const { model, licence, normalization = dataset.normalization } = start;
  const { precision } = resumed?.config ?? settings;
  const device = await chooseDevice({ ...settings, precision }, warn);
  const make = (recipe: Recipe) => makeConfig({ ...recipe, provider: device.provider }, model, dataset);
  const chosen = tryEngines && !resumed ? await tryOut({ recipe: asked, model, make }, say) : asked;
  return {
    config: resumed?.config ?? make(chosen),
    model,
    ...(licence && { licence }),
    dataset: { ...dataset, normalization },
    device,
    threads: settings.threads,
    workers: settings.workers,
    resume: resumed !== undefined && !(await resumed.run.neverBegan()),
  };
}

async function tryOut(training: Training, say: Hearers['say']): Promise<Recipe> {
  // It loads the engines.
  const { withFastestEngine } = await import('./engine/choose-engine.ts');
  return withFastestEngine(training, say);
}

/** The run's own, one to go on from, or a new one of the zoo; and how images are normalised, if not as the data says. */
async function modelToTrain(
  settings: Settings,
  dataset: ImageDataset,
  {
    resumed,
    opened,
    say,
  }: { resumed: ResumedRun | undefined; opened: OpenedStart | undefined; say: Hearers['say'] },
): Promise<{ model: Graph; licence?: string; normalization?: Normalization }> {
  if (resumed) {
    const { run, config, record } = resumed;
    const { normalization } = record;
    const { graph } = await modelOfRun(run, config.model, dataset);
    return { model: graph, ...(normalization && { normalization }) };
  }
  const { from, model, head, netSize, seed } = settings;
  if (from === undefined) {
    const misplaced = (['head', 'netSize', 'enlarge'] as const).find(
      (name) => settings[name] !== DEFAULTS[name],
    );
    if (misplaced)
      throw new UserError(`--${flagOf(misplaced)} is for a model to go on from; it needs --from`);
    const name = model ?? announceModel(say);
    return { model: buildModel(name, { numClasses: dataset.labels.length, imageSize: dataset.height }) };
  }
  if (model !== undefined)
    throw new UserError('give --model for a new net or --from for one that goes on, not both');
  const { openStart, startOn } = await import('./fine-tune/start-model.ts');
  const start = startOn(opened ?? (await openStart(from, netSize)), { head, netSize, seed }, dataset);
  for (const note of start.notes) say(`${from}: ${note}`);
  const { graph, notes: _, ...rest } = start;
  return { model: graph, ...rest };
}

function announceModel(say: (line: string) => void): string {
  const cores = availableParallelism();
  const model = chooseModel(cores);
  say(
    `chose ${model} for ${cores} CPU cores; give --model for another, or --preset quarter-hour or hour for the most that so much time gives on a few cores`,
  );
  return model;
}

/** A run that goes on. */
export interface ResumedRun {
  run: RunDirectory;
  config: TrainConfig;
  /** All of config.json. */
  json: Record<string, unknown>;
  /** What it says of the data. */
  record: Partial<DatasetRecord>;
  /** Whether it gets more epochs than it was begun with. */
  extended: boolean;
}

/** The settings of a run that goes on which may be others than they were; its config.json decides all that decide it. */
export const CHANGEABLE = ['epochs', 'engine', 'provider', 'stepsPerCall', 'threads', 'workers'] as const;

/**
 * Reads what a run that goes on is.
 * @param asked of {@link CHANGEABLE}
 * @throws UserError if its config.json is damaged, or it cannot be made as long
 */
export async function readResumed(
  run: RunDirectory,
  asked: Recipe,
  say: (line: string) => void,
): Promise<ResumedRun> {
  const json = await run.readConfig();
  const stored = parseTrainConfig(json, run.configPath);
  const record = readDatasetRecord(json, run.configPath);
  let config = asked.epochs === undefined ? stored : withEpochs(stored, asked.epochs, run.path);
  // Engines differ in nothing but rounding, so a run may go on with another.
  if (asked.engine !== undefined) config = { ...config, engine: asked.engine };
  if (await run.neverBegan()) say(`${run.path} was ended before its first checkpoint; it begins anew`);
  const extended = config.epochs > stored.epochs;
  if (extended && config.schedule === 'multistep') {
    say(
      `${config.epochs} epochs instead of ${stored.epochs}; the rate falls at the same epochs: ${config.milestones.join(', ')}`,
    );
  }
  return { run, config, json, record, extended };
}

/**
 * A run's config with more epochs, where the epochs already done are those that the longer run would have had.
 * @throws UserError if they are not, or there would be fewer
 */
export function withEpochs(config: TrainConfig, epochs: number, path = 'RUN'): TrainConfig {
  if (epochs === config.epochs) return config;
  if (epochs < config.epochs) {
    throw new UserError(
      `--epochs ${epochs} is fewer than the ${config.epochs} of the run; leave it out, Ctrl-C stops and saves at any time`,
    );
  }
  const reason = whyNoLonger(config);
  if (reason !== undefined) {
    throw new UserError(
      `--epochs ${epochs} cannot be given to this run: ${reason}, so that the epochs done would have been others; ` +
        `a new run that begins with its weights goes on: npm run train -- --from ${path}. Runs with --schedule constant or multistep can be made longer`,
    );
  }
  return { ...config, epochs };
}

/** Why a run cannot get more epochs; undefined if it can. */
export function whyNoLonger({ schedule, epochs, progressive, plainEpochs }: TrainConfig): string | undefined {
  if (schedule === 'onecycle' || schedule === 'cosine')
    return `its --schedule ${schedule} spreads its rates over all ${epochs} epochs`;
  if (plainEpochs > 0) return `its last ${plainEpochs} of ${epochs} epochs are plain`;
  return progressive.length > 0 ? `its image sizes are shares of all ${epochs} epochs` : undefined;
}

/**
 * How the data of a run is read again: from where it was, or is said to be now.
 * @throws UserError if it is not there any more
 */
export function rereadData(
  { config, record }: ResumedRun,
  given: string | undefined,
  say: (line: string) => void,
): LoadDatasetOptions & { dataset: DatasetChoice } {
  const dataset = config.dataset as DatasetChoice;
  const was = record.data?.path;
  const options = { dataset, trainImages: config.trainImages, ...rereadOptions(record) };
  if (given !== undefined || was === undefined || existsSync(was)) return { ...options, dir: given ?? was };
  const line = `the data of the run was in ${was}, which is not there any more`;
  if (dataset === 'folder') throw new UserError(`${line}; say where it is now with --data DIR`);
  say(`${line}; looking in the usual places (--data says where)`);
  return options;
}

/** The weights of a run are of its classes; other ones, or fewer images than it counts on, are other data. */
function checkSameData({ config, record }: ResumedRun, dataset: ImageDataset): void {
  if (config.labels.join('\n') !== dataset.labels.join('\n')) {
    throw new UserError('the data has other classes than the run was trained on; give its own with --data');
  }
  if (dataset.train.count < config.trainImages) {
    throw new UserError(
      `the data has ${dataset.train.count} training images where the run has ${config.trainImages}; give its own with --data`,
    );
  }
  checkSameImages(record.data, dataset, config.trainImages);
}

/** What the config.json of a run that goes on must state anew: more epochs, another place of the same data. */
export async function rememberChanges(resumed: ResumedRun, dataset: ImageDataset): Promise<void> {
  const { run, json, record, config, extended } = resumed;
  const { path } = dataset.origin ?? {};
  const moved = record.data?.path !== undefined && path !== undefined && path !== record.data.path;
  if (!extended && !moved) return;
  await run.writeConfig({
    ...json,
    epochs: config.epochs,
    ...(moved ? { data: { ...record.data, path } } : {}),
  });
}
