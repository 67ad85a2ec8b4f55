import { CIFAR100_NORMALIZATION } from '../../../core/data/cifar100.ts';
import type { Normalization } from '../../../core/data/dataset.ts';
import { UserError } from '../../../core/errors.ts';
import { ConfusionMatrix } from '../../../core/metrics/confusion-matrix.ts';
import { encodeMetadata, type ModelAccuracy } from '../../../core/model-metadata.ts';
import { initializeParameters } from '../../../core/models/initialize.ts';
import { buildResNet, type ResNetConfig } from '../../../core/models/resnet.ts';
import { type Graph, sizeOf } from '../../../core/onnx/graph.ts';
import { encodeModel } from '../../../core/onnx/model-file.ts';
import { foldBatchNorm } from '../../../core/onnx/passes/fold-batch-norm.ts';
import { Random } from '../../../core/random.ts';
import { openSession, tensor } from '../../../core/runtime/session.ts';
import type { CallContext } from '../../../core/workers/calls.ts';
import { download } from '../worker/download.ts';
import { readModel } from '../worker/foreign.ts';
import { openToTry } from '../worker/session.ts';
import { pixelData, prepareExamples, splitExamples, withMirrored } from './examples.ts';
import { computeFeatures } from './features.ts';
import { evaluate, type FitOptions, fit, type TrainingData } from './fit.ts';
import { buildHead, cutLastLayer, replaceLastLayer } from './head.ts';
import type { Lesson, LessonEpoch, LessonProgress, LessonResult } from './protocol.ts';
import '../worker/runtime.ts';

/** What training gives, before it is a file. */
interface Learnt {
  graph: Graph;
  accuracy?: ModelAccuracy;
  /** Of the pictures held out. */
  confusion: ConfusionMatrix;
  model: string;
  size: { width: number; height: number };
  normalization: Normalization;
}

/** Share of the progress that decoding and features are taken to be. */
const PREPARING = 0.15;
const SMALL_SIZE = { width: 32, height: 32 };

/**
 * Trains a classifier of the reader's own classes in this worker and makes a model file of it, checked against
 * the trained weights as the export command does.
 * @throws UserError if there is too little to learn from, or a picture cannot be read
 */
export async function teach(lesson: Lesson, context: CallContext<LessonProgress>): Promise<LessonResult> {
  const start = performance.now();
  const { classes, method } = lesson;
  if (classes.length < 2 || classes.some(({ images }) => images.length === 0)) {
    throw new UserError('Two classes with at least one picture each are needed.');
  }
  const epochs: LessonEpoch[] = [];
  const report = (status: string, done: number): void => context.progress({ status, done, epochs });
  report('Reading the pictures…', 0);
  const split = splitExamples(classes);
  const options: FitOptions = {
    classes: classes.length,
    epochs: lesson.epochs,
    seed: lesson.seed,
    signal: context.signal,
    ...(method === 'head' ? HEAD_RECIPE : SCRATCH_RECIPE),
    onEpoch: (epoch) => {
      epochs.push(epoch);
      const done = PREPARING + (1 - PREPARING) * (epoch.epoch / lesson.epochs);
      report(`Epoch ${epoch.epoch} of ${lesson.epochs}`, done);
    },
  };
  const learnt = await (method === 'head' ? learnHead : learnFromScratch)(lesson, split, options, report);
  const model = await encode(learnt, lesson);
  return {
    model,
    name: `${learnt.model}-taught`,
    trained: split.train.length,
    heldOut: split.heldOut.length,
    confusion: learnt.confusion.counts,
    seconds: (performance.now() - start) / 1000,
    stopped: epochs.length < lesson.epochs,
  };
}

const ADAM = { name: 'adamw', momentum: 0, nesterov: false, noBiasDecay: true } as const;
const HEAD_RECIPE = { learningRate: 0.01, optimizer: { ...ADAM, weightDecay: 0.01 } };
const SCRATCH_RECIPE = { learningRate: 0.004, optimizer: { ...ADAM, weightDecay: 0.02 } };

type Split = ReturnType<typeof splitExamples<Lesson['classes'][number]['images'][number]>>;
type Report = (status: string, done: number) => void;

async function learnHead(lesson: Lesson, split: Split, options: FitOptions, report: Report): Promise<Learnt> {
  const { base, seed } = lesson;
  if (!base)
    throw new UserError('No model is open to learn from; open one, or train a small net from scratch.');
  const { signal, classes } = options;
  const bytes = await download('url' in base ? base.url : base.file, base.name, signal, () => undefined);
  const { graph, metadata } = await readModel(bytes, base.name, openToTry);
  const cut = cutLastLayer(graph, base.name);
  const size = { width: metadata.inputWidth, height: metadata.inputHeight };
  const train = withMirrored(await prepareExamples(split.train, size, signal), size.width);
  const heldOut = await prepareExamples(split.heldOut, size, signal);
  const total = train.length + heldOut.length;
  const features = (examples: typeof train, before: number) =>
    computeFeatures(cut.features, examples, metadata, signal, (done) =>
      report(`Looking at ${total} pictures…`, (PREPARING * (before + done)) / total),
    );
  const trainData = await features(train, 0);
  const heldOutData = await features(heldOut, train.length);
  const result = await fit(buildHead(cut.size, classes, seed), trainData, heldOutData, options);
  return {
    ...result,
    confusion: await confusionOf(result.graph, heldOutData, classes),
    graph: replaceLastLayer(cut, result.graph, classes),
    model: metadata.model,
    size,
    normalization: metadata,
  };
}

async function learnFromScratch(lesson: Lesson, split: Split, options: FitOptions): Promise<Learnt> {
  const train = await prepareExamples(split.train, SMALL_SIZE, options.signal);
  const heldOut = await prepareExamples(split.heldOut, SMALL_SIZE, options.signal);
  const graph = buildSmallNet(options.classes, lesson.seed);
  const trainData = pixelData(train, SMALL_SIZE, CIFAR100_NORMALIZATION, true);
  const heldOutData = pixelData(heldOut, SMALL_SIZE, CIFAR100_NORMALIZATION, false);
  const result = await fit(graph, trainData, heldOutData, options);
  const confusion = await confusionOf(result.graph, heldOutData, options.classes);
  return { ...result, confusion, model: graph.name, size: SMALL_SIZE, normalization: CIFAR100_NORMALIZATION };
}

async function confusionOf(graph: Graph, heldOut: TrainingData, classes: number): Promise<ConfusionMatrix> {
  const confusion = new ConfusionMatrix(classes);
  if (heldOut.count > 0) await evaluate(graph, heldOut, classes, confusion);
  return confusion;
}

async function encode(learnt: Learnt, lesson: Lesson): Promise<Uint8Array<ArrayBuffer>> {
  const { graph, accuracy, model, size, normalization } = learnt;
  const metadata = encodeMetadata({
    model,
    dataset: 'own pictures',
    labels: lesson.classes.map(({ name }) => name),
    mean: normalization.mean,
    std: normalization.std,
    inputLayout: 'NCHW',
    colorSpace: 'RGB',
    inputHeight: size.height,
    inputWidth: size.width,
    ...(accuracy ? { accuracy } : {}),
  });
  const bytes = new Uint8Array(encodeModel(foldBatchNorm(graph), metadata));
  await checkExport(bytes, graph);
  return bytes;
}

/** Small enough to learn a few classes from nothing within minutes in a browser. */
const SMALL_NET: ResNetConfig = {
  name: 'resnet8',
  block: 'basic',
  depths: [1, 1, 1],
  widths: [16, 32, 64],
  stemWidth: 16,
};

/** A ResNet of eight layers for 32x32 pictures, with random weights. */
function buildSmallNet(classes: number, seed: number): Graph {
  const graph = buildResNet(SMALL_NET, { numClasses: classes });
  initializeParameters(graph, seed);
  return graph;
}

/** Folding batch norm costs about 1e-6 in float32. */
const TOLERANCE = 1e-4;
const BATCH = 3;

/**
 * Checks a model file against the graph it was made of, on random pictures.
 * @throws UserError if their scores differ, or are not numbers
 */
async function checkExport(file: Uint8Array, graph: Graph): Promise<void> {
  const dims = [BATCH, ...graph.inputs[0]!.dims.slice(1).map(Number)];
  const random = new Random(1);
  const images = Float32Array.from({ length: sizeOf(dims) }, () => random.normal());
  const [actual, expected] = [await run(file, images, dims), await run(encodeModel(graph), images, dims)];
  const size = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-6);
  const agrees = expected.every((value, i) => Math.abs(value - actual[i]!) <= TOLERANCE * size);
  if (!agrees)
    throw new UserError(
      'What was learnt is not usable: its scores are not numbers; train again with fewer epochs.',
    );
}

async function run(file: Uint8Array, images: Float32Array, dims: readonly number[]): Promise<Float32Array> {
  const session = await openSession(file);
  try {
    const { logits } = await session.run({ input: tensor(images, dims) });
    return logits!.data as Float32Array;
  } finally {
    await session.release();
  }
}
