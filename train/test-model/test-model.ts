import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join, parse } from 'node:path';
import sharp from 'sharp';
import { formatPercent } from '../../core/cli/format.ts';
import type { ImageDataset, ImageSplit, Normalization } from '../../core/data/dataset.ts';
import { DATASET_CHOICES, type DatasetChoice, loadTestImages, locateDataset } from '../../core/data/load.ts';
import { type DataRecord, readDatasetRecord } from '../../core/data/run-record.ts';
import { fileName, firstImages } from '../../core/data/split.ts';
import { errorMessage, UserError } from '../../core/errors.ts';
import { loadClassifier } from '../../core/foreign-model/load-classifier.ts';
import { writeFileAtomic } from '../../core/fs/atomic-write.ts';
import { makeFolders } from '../../core/fs/make-folder.ts';
import { labelsOf } from '../../core/label-forms.ts';
import { byAccuracy, type ClassReport, classReports } from '../../core/metrics/class-report.ts';
import type { ConfusionMatrix } from '../../core/metrics/confusion-matrix.ts';
import { evaluateModelBytes } from '../../core/metrics/evaluate-model.ts';
import { fewClasses } from '../../core/metrics/few-classes.ts';
import { matchClasses, readClassMap } from '../../core/metrics/match-classes.ts';
import { softmax } from '../../core/metrics/softmax.ts';
import {
  describeAccuracy,
  describeWithoutDuplicates,
  Tally,
  type WithoutDuplicates,
} from '../../core/metrics/tally.ts';
import { topK } from '../../core/metrics/top-k.ts';
import type { ModelAccuracy } from '../../core/model-metadata.ts';
import type { Graph } from '../../core/onnx/graph.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { foldBatchNorm } from '../../core/onnx/passes/fold-batch-norm.ts';
import { confusionSvg } from '../../core/plot/confusion-svg.ts';
import { canDrawText, rasterize } from '../../core/plot/png.ts';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import type { RuntimeChoice } from '../../core/runtime/runtimes.ts';
import { withWeights } from '../../core/weights/checkpoint.ts';
import { fitModel } from '../../core/weights/fit-model.ts';
import { decodeWeights, readWeightsFile, weightsFormat } from '../../core/weights/load-weights.ts';
import type { TensorFile } from '../../core/weights/safetensors.ts';
import { Canvas } from '../augment-sheet/canvas.ts';
import type { ImageSize } from '../loader/augment/transform.ts';
import { modelOfRun } from '../run-model.ts';

/** A model ready to run, and what its file says about the data it is for. */
export interface LoadedModel {
  /** An ONNX model. */
  bytes: Uint8Array;
  /** The zoo's name. */
  model: string;
  classes: number;
  /** Height and width of its images in pixels. */
  height: number;
  width: number;
  /** What it was trained on; undefined if nothing says so. */
  dataset?: string;
  labels?: string[];
  normalization?: Normalization;
  /** It takes one image at a time. */
  oneByOne?: boolean;
  /** Where that was, and which of its images were held out. */
  data?: DataRecord;
}

const CIFAR_SIZE = 32;

/**
 * Makes a model of a weights file. An .onnx is run as it is, that of another program as it is served; for a checkpoint (.safetensors, .pth)
 * the run's own net is taken, if it has one, else the zoo's is built, with batch norm folded as the trainer and the export do.
 * @param model the zoo's name; left out: found by the tensors. An .onnx must be of that model
 * @throws UserError if the file cannot be read or does not fit the model
 */
export async function loadModel(path: string, model?: string): Promise<LoadedModel> {
  const bytes = await readWeightsFile(path);
  if (weightsFormat(bytes, path) === 'onnx') return fromOnnx(path, model);
  const { tensors, metadata, left } = decodeWeights(bytes, path);
  const config = await configOfRun(path);
  const { imageSize = CIFAR_SIZE, normalization, data } = readDatasetRecord(config, `the run of ${path}`);
  const own = RunDirectory.withOwnNet(path);
  const fitted = own
    ? await netOfRun(own, tensors, path, model, imageSize)
    : fitModel(tensors, path, { model, left, imageSize });
  const dataset = metadata.dataset ?? config.dataset;
  const labels = Array.isArray(config.labels) ? labelsOf(config.labels, `the run of ${path}`) : undefined;
  return {
    bytes: encodeModel(foldBatchNorm(fitted.graph)),
    model: fitted.model,
    classes: Number(fitted.graph.outputs[0]!.dims[1]),
    height: imageSize,
    width: imageSize,
    ...(typeof dataset === 'string' ? { dataset } : {}),
    ...(labels ? { labels } : {}),
    ...(normalization ? { normalization } : {}),
    ...(data ? { data } : {}),
  };
}

/** @throws UserError if the run is of another net than `asked` */
async function netOfRun(
  run: RunDirectory,
  tensors: TensorFile['tensors'],
  path: string,
  asked: string | undefined,
  height: number,
): Promise<{ model: string; graph: Graph }> {
  const { model } = await run.readConfig();
  if (typeof model !== 'string') throw new UserError(`${run.configPath} names no model`);
  if (asked !== undefined && asked !== model) {
    throw new UserError(`${path} is of a run of ${model}, not of ${asked}; leave out --model`);
  }
  const { graph } = await modelOfRun(run, model, { labels: [], height });
  return { model, graph: withWeights(graph, tensors, path) };
}

async function fromOnnx(path: string, model: string | undefined): Promise<LoadedModel> {
  const { bytes, metadata } = await loadClassifier(path);
  if (model !== undefined && model !== metadata.model) {
    throw new UserError(`${path} is a ${metadata.model}, not a ${model}; leave out --model`);
  }
  if (metadata.scores === 'independent') {
    throw new UserError(
      `${path} gives every class a probability of its own, as a picture may show several: top-1 says nothing of it; ` +
        'if its classes do exclude each other, export it with "scores": "probabilities" in its JSON file',
    );
  }
  const { data } = readDatasetRecord(metadata.trainingConfig ?? {}, path);
  return {
    bytes,
    model: metadata.model,
    classes: metadata.labels.length,
    height: metadata.inputHeight,
    width: metadata.inputWidth,
    dataset: metadata.dataset,
    labels: metadata.labels,
    normalization: { mean: metadata.mean, std: metadata.std },
    ...(metadata.oneByOne ? { oneByOne: true } : {}),
    ...(data ? { data } : {}),
  };
}

/** The config of the training run that a checkpoint lies in; empty if it lies in none. */
async function configOfRun(path: string): Promise<Record<string, unknown>> {
  const run = new RunDirectory(dirname(path));
  return existsSync(run.configPath) ? run.readConfig() : {};
}

export interface TestModelOptions {
  batchSize: number;
  /** What runs the model; default onnxruntime. */
  runtime?: RuntimeChoice;
  /** Called with a line on which runtime was chosen. */
  onNote?: (line: string) => void;
  onProgress?: (images: number, top1: number) => void;
  /** Test images, by their place, that a second count leaves out. */
  leaveOut?: ReadonlySet<number> | undefined;
}

export interface TestOutcome {
  accuracy: ModelAccuracy;
  matrix: ConfusionMatrix;
  /** Of the images that were not left out. */
  withoutDuplicates?: WithoutDuplicates;
  /** Some that it was surest of: first those it got right, then those it did not. */
  examples?: Example[];
}

/** A test image and what it was taken for. */
interface Example {
  /** Its place in the split. */
  place: number;
  truth: number;
  guess: number;
  probability: number;
}

/** How many examples of right and of wrong are kept. */
const EXAMPLES = 8;

class TallyWithExamples extends Tally {
  readonly #kept: [right: Example[], wrong: Example[]] = [[], []];

  get examples(): Example[] {
    return this.#kept.flat();
  }

  override add(logits: Float32Array, labels: Int32Array, n: number, first: number): void {
    super.add(logits, labels, n, first);
    const { classes } = this.matrix;
    for (let i = 0; i < n; i++) {
      const own = logits.subarray(i * classes, (i + 1) * classes);
      const [guess] = topK(own, 1);
      const probability = softmax(own)[guess!]!;
      if (Number.isNaN(probability)) continue;
      const kept = this.#kept[guess === labels[i] ? 0 : 1];
      if (kept.length === EXAMPLES && probability <= kept.at(-1)!.probability) continue;
      kept.push({ place: first + i, truth: labels[i]!, guess: guess!, probability });
      kept.sort((a, b) => b.probability - a.probability);
      kept.length = Math.min(kept.length, EXAMPLES);
    }
  }
}

/**
 * Runs a model on the test split, counting what it takes each class for.
 * @throws UserError if the runtime cannot run the model
 */
export async function testModel(
  model: LoadedModel,
  dataset: ImageDataset,
  options: TestModelOptions,
): Promise<TestOutcome> {
  const { leaveOut, ...evaluation } = model.oneByOne ? { ...options, batchSize: 1 } : options;
  const tally = new TallyWithExamples(model.classes, leaveOut);
  await evaluateModelBytes(model.bytes, dataset, dataset.test, { ...evaluation, tally });
  const { accuracy, matrix, examples, withoutDuplicates } = tally;
  return { accuracy, matrix, examples, ...(withoutDuplicates && { withoutDuplicates }) };
}

interface TestDataOptions {
  /** Left out: the dataset that the model's file names, else what there is. */
  dataset?: string | undefined;
  /** Where its files are. */
  data?: string | undefined;
  /** Only the first images, at most so many. */
  limit?: number | undefined;
  /** Load the training images too. */
  training?: boolean | undefined;
  /** Leave out image files that cannot be read. */
  skipBroken?: boolean | undefined;
  /** For an image folder: the JSON file that says which of its classes is which of the model. */
  classMap?: string | undefined;
  /** Called with a line about files that are not read. */
  onNote?: (line: string) => void;
}

/**
 * The test images for a model, normalised as the model was trained.
 * @throws UserError if they are not found, or are of other classes or another size than the model's
 */
export async function loadTestSplit(model: LoadedModel, options: TestDataOptions): Promise<ImageDataset> {
  const name = options.dataset ?? model.dataset ?? 'auto';
  const choice =
    DATASET_CHOICES.find((known): known is DatasetChoice => known === name) ?? (options.data && 'auto');
  if (!choice) {
    throw new UserError(
      `the model was trained on "${name}", which cannot be read; give the images to test on, with --data DIR, or --dataset`,
    );
  }
  const { data: record } = model;
  const ofRun = options.dataset === undefined && options.data === undefined;
  const remembered = ofRun && record?.path !== undefined && existsSync(record.path) ? record.path : undefined;
  // --data may be set for every command; the synthetic dataset has no files.
  const dir = choice === 'synthetic' ? undefined : (options.data ?? remembered);
  const located = await locateDataset({ dataset: choice, dir, trainOnly: true });
  const loaded = await loadTestImages(located, {
    imageSize: model.height,
    // Given, it need not be measured on the training images.
    normalization: model.normalization,
    splits: options.training ? ['train', 'test'] : ['test'],
    record,
    skipBroken: options.skipBroken || record?.skipBroken,
    onNote: options.onNote,
  });
  const map = options.classMap === undefined ? undefined : await readClassMap(options.classMap);
  // The classes of a folder are called and ordered as its maker liked.
  const matches = model.labels && (loaded.name === 'folder' || map);
  const dataset = matches ? matchClasses(loaded, model.labels!, map) : loaded;
  if (dataset.labels.length !== model.classes) {
    throw new UserError(
      `the model has ${model.classes} classes, ${dataset.name} has ${dataset.labels.length}; give --dataset`,
    );
  }
  if (model.labels && model.labels.join('\n') !== dataset.labels.join('\n')) {
    throw new UserError(
      `the model's class names are not those of ${dataset.name}, in this order; give --dataset`,
    );
  }
  if (dataset.height !== model.height || dataset.width !== model.width) {
    throw new UserError(
      `the model takes images of ${model.width}x${model.height}, those of ${dataset.name} are ${dataset.width}x${dataset.height}`,
    );
  }
  const { normalization = dataset.normalization } = model;
  const test = firstImages(dataset.test, options.limit ?? dataset.test.count);
  return { ...dataset, normalization, test };
}

/** What is written as report.json. Fractions in [0, 1], loss in nats; a fraction of nothing is null. */
export interface TestReport extends ModelAccuracy {
  /** The file tested. */
  weights: string;
  model: string;
  dataset: string;
  /** The fraction of images taken for any class of their superclass. */
  superclassTop1?: number;
  superclasses?: ClassReport[];
  /** Without the test images whose pixels stand in the training set, where that was asked for. */
  withoutDuplicates?: TestOutcome['withoutDuplicates'];
  classes: ClassReport[];
  /** [true class][predicted class] in images, classes by index. */
  confusion: number[][];
  /** Some images that it was surest of, right and wrong, by their files where they have some. */
  examples: {
    image: string;
    truth: string;
    guess: string;
    probability: number;
    /** A small picture of it beside the report, as the net saw it: a path from its folder. */
    picture: string;
  }[];
}

/** How many of the best and of the worst classes are printed. */
const SHOWN = 5;

/** Gathers what a test found out. */
export function makeReport(
  names: { weights: string; model: string },
  dataset: Pick<ImageDataset, 'name' | 'labels' | 'superclasses'> & { test?: Pick<ImageSplit, 'files'> },
  { accuracy, matrix, withoutDuplicates, examples = [] }: TestOutcome,
): TestReport {
  const { superclasses } = dataset;
  const groups = superclasses && matrix.grouped(superclasses.ofClass, superclasses.names.length);
  const indices = dataset.labels.map((_, index) => index);
  return {
    ...names,
    dataset: dataset.name,
    ...accuracy,
    ...(groups
      ? { superclassTop1: groups.accuracy(), superclasses: classReports(groups, superclasses.names) }
      : {}),
    ...(withoutDuplicates ? { withoutDuplicates } : {}),
    classes: classReports(matrix, dataset.labels),
    confusion: indices.map((label) => indices.map((predicted) => matrix.at(label, predicted))),
    examples: examples.map(({ place, truth, guess, probability }, i) => ({
      // Of a path the class's folder and the file say enough.
      image: fileName(dataset.test ?? {}, place) ?? `test image ${place}`,
      truth: dataset.labels[truth]!,
      guess: dataset.labels[guess]!,
      probability,
      picture: pictureName(examples, i),
    })),
  };
}

/** `examples/right-1.png`, `examples/wrong-1.png` and so on. */
function pictureName(examples: readonly Example[], i: number): string {
  const isRight = ({ truth, guess }: Example): boolean => truth === guess;
  const kind = isRight(examples[i]!);
  const number = examples.slice(0, i + 1).filter((example) => isRight(example) === kind).length;
  return `examples/${kind ? 'right' : 'wrong'}-${number}.png`;
}

/** The report for people. */
export function describeReport(report: TestReport): string {
  const ranked = byAccuracy(report.classes);
  const shown = Math.min(SHOWN, Math.floor(ranked.length / 2));
  const worst = ranked
    .slice(ranked.length - shown)
    .reverse()
    .filter(({ accuracy }) => accuracy < 1);
  const width = Math.max(...ranked.map(({ name }) => name.length));
  const row = ({ name, accuracy, confusedWith, correct, images }: ClassReport) => {
    const taken = confusedWith.map((other) => `${other.name} ${other.images}`).join(', ');
    const line = `  ${formatPercent(accuracy).padStart(8)}  ${name.padEnd(width)}  ${correct} of ${images}`;
    return taken === '' ? line : `${line}, taken for ${taken}`;
  };
  const superclass =
    report.superclassTop1 === undefined ? [] : [`superclass  ${formatPercent(report.superclassTop1)}`];
  return [
    `${report.model} on ${report.dataset}, ${report.images} test images`,
    `loss        ${report.loss.toFixed(4)}`,
    ...describeAccuracy(report, report.classes),
    ...superclass,
    ...describeWithoutDuplicates(report.withoutDuplicates, report.classes),
    'best classes',
    ...ranked.slice(0, shown).map(row),
    ...(worst.length === 0 ? [] : ['worst classes', ...worst.map(row)]),
  ].join('\n');
}

/**
 * Where results are written by default: beside the weights, `runs/x/best.safetensors` in `runs/x/best-test`; on another
 * image folder than the run's in `best-test-NAME`, for the former is what the page shows of the run.
 */
export function defaultFolder(
  weights: string,
  own?: DataRecord,
  { name: dataset, origin }: Pick<ImageDataset, 'name' | 'origin'> = { name: '' },
): string {
  const { dir, name } = parse(weights);
  const isOther = dataset === 'folder' && own?.path !== undefined && origin?.path !== own.path;
  return join(dir, `${name}-test${isOther ? `-${parse(origin?.path ?? '').name}` : ''}`);
}

/**
 * Makes the folder for the results, before the work whose results they are.
 * @throws UserError if that is not possible
 */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await makeFolders(folder);
  } catch (error) {
    throw cannotWrite(folder, error);
  }
}

/** Height and width of the pictures of examples, at most. */
const PICTURE_SIZE = 128;

/** An image of a split as a small PNG. */
function smallPng({ images }: ImageSplit, place: number, { height, width }: ImageSize): Promise<Uint8Array> {
  const length = 3 * height * width;
  const canvas = new Canvas(height, width);
  canvas.draw(images.subarray(place * length, (place + 1) * length), { height, width }, 0, 0);
  return sharp(canvas.pixels, { raw: { width, height, channels: 3 } })
    .resize(PICTURE_SIZE, PICTURE_SIZE, { fit: 'inside', withoutEnlargement: true })
    .png({ compressionLevel: 9 })
    .toBuffer();
}

/**
 * Writes report.json, confusion-matrix.svg, small pictures of the examples and, where the machine has a font to draw it
 * with, confusion-matrix.png.
 * @returns the names of the files
 * @throws UserError if the folder cannot be written
 */
export async function writeResults(
  folder: string,
  report: TestReport,
  { matrix, examples = [] }: Pick<TestOutcome, 'matrix' | 'examples'>,
  dataset: Pick<ImageDataset, 'labels' | 'superclasses' | 'height' | 'width' | 'test'>,
): Promise<string[]> {
  const superclass =
    report.superclassTop1 === undefined ? '' : `, superclass ${formatPercent(report.superclassTop1)}`;
  const svg = confusionSvg(matrix, dataset, {
    heading: `${report.model} on ${report.dataset}`,
    detail: `${report.images} test images: top-1 ${formatPercent(report.top1)}${fewClasses(dataset.labels) ? '' : `, top-5 ${formatPercent(report.top5)}`}${superclass}`,
  });
  const files: [name: string, content: string | Uint8Array][] = [
    ['report.json', `${JSON.stringify(report)}\n`],
    ['confusion-matrix.svg', svg],
  ];
  if (await canDrawText())
    files.push(['confusion-matrix.png', await rasterize(svg, { compressionLevel: 9, palette: true })]);
  const pictures = await Promise.all(
    examples.map(async ({ place }, i) => {
      return [report.examples[i]!.picture, await smallPng(dataset.test, place, dataset)] as const;
    }),
  );
  try {
    for (const [name, content] of [...pictures, ...files]) await writeFileAtomic(join(folder, name), content);
    await removeOlder(
      join(folder, 'examples'),
      pictures.map(([name]) => name),
    );
  } catch (error) {
    throw cannotWrite(folder, error);
  }
  return [...files.map(([name]) => name), ...(pictures.length > 0 ? ['examples/'] : [])];
}

/** Pictures of an earlier test that had more of a kind. */
async function removeOlder(folder: string, written: readonly string[]): Promise<void> {
  const names = ['right', 'wrong'].flatMap((kind) =>
    Array.from({ length: EXAMPLES }, (_, i) => `${kind}-${i + 1}.png`),
  );
  const older = names.filter((name) => !written.includes(`examples/${name}`));
  await Promise.all(older.map((name) => rm(join(folder, name), { force: true })));
}

function cannotWrite(folder: string, error: unknown): UserError {
  return new UserError(`cannot write to ${folder}: ${errorMessage(error)}; give another with --out`);
}
