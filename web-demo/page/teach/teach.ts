import { CIFAR100_NORMALIZATION } from '../../../core/data/cifar100.ts';
import type { Normalization } from '../../../core/data/dataset.ts';
import { UserError } from '../../../core/errors.ts';
import { ConfusionMatrix } from '../../../core/metrics/confusion-matrix.ts';
import { type ClassifierMetadata, encodeMetadata, type ModelAccuracy } from '../../../core/model-metadata.ts';
import { initializeParameters } from '../../../core/models/initialize.ts';
import { buildResNet, type ResNetConfig } from '../../../core/models/resnet.ts';
import { countMacs } from '../../../core/onnx/count-macs.ts';
import { type Graph, sizeOf } from '../../../core/onnx/graph.ts';
import { encodeModel } from '../../../core/onnx/model-file.ts';
import { OPSET_VERSION } from '../../../core/onnx/opset.ts';
import { foldBatchNorm } from '../../../core/onnx/passes/fold-batch-norm.ts';
import { initializerRoles } from '../../../core/onnx/roles.ts';
import { inferShapes } from '../../../core/onnx/shape-inference.ts';
import { Random } from '../../../core/random.ts';
import { openSession, tensor } from '../../../core/runtime/session.ts';
import type { CallContext } from '../../../core/workers/calls.ts';
import { type CutNet, cutFrozenFront, cutsOf } from '../../../train/fine-tune/front.ts';
import { withClasses } from '../../../train/fine-tune/head.ts';
import { parameterRates } from '../../../train/fine-tune/rates.ts';
import { trainableModel } from '../../../train/trainable-model.ts';
import { fetchModel } from '../worker/download.ts';
import { readGiven } from '../worker/foreign.ts';
import { precisionOf } from '../worker/model.ts';
import { openToTry } from '../worker/session.ts';
import { pixelData, prepareExamples, splitExamples, withMirrored } from './examples.ts';
import { computeFeatures } from './features.ts';
import { evaluate, type FitOptions, fit, type TrainingData } from './fit.ts';
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
  /** That of the weights it went on from, if they have one. */
  licence?: string;
  /** As in {@link LessonResult}. */
  notes: string[];
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
  // The first step is no measure: it also allocates.
  let fittingSince: { time: number; done: number } | undefined;
  const showEpoch = (done: number): void => {
    const share = done / lesson.epochs;
    const trained = fittingSince ? done - fittingSince.done : 0;
    const seconds = trained > 0 ? (performance.now() - fittingSince!.time) / 1000 : 0;
    const left = trained > 0 ? (seconds * (lesson.epochs - done)) / trained : 0;
    const time = left >= 1.5 ? `, about ${Math.round(left)} s left` : '';
    report(
      `Epoch ${Math.min(lesson.epochs, Math.floor(done) + 1)} of ${lesson.epochs}${time}`,
      PREPARING + (1 - PREPARING) * share,
    );
  };
  const options: LearnOptions = {
    classes: classes.length,
    epochs: lesson.epochs,
    seed: lesson.seed,
    signal: context.signal,
    backend: lesson.backend,
    onEpoch: (epoch) => {
      epochs.push(epoch);
      showEpoch(epoch.epoch);
    },
    onStep: (done) => {
      fittingSince ??= { time: performance.now(), done };
      showEpoch(done);
    },
  };
  const learnt = await (method === 'scratch' ? learnFromScratch : learnFromModel)(
    lesson,
    split,
    options,
    report,
  );
  const model = await encode(learnt, lesson);
  return {
    model,
    name: `${learnt.model}-taught`,
    notes: learnt.notes,
    trained: split.train.length,
    heldOut: split.heldOut.length,
    confusion: learnt.confusion.counts,
    seconds: (performance.now() - start) / 1000,
    stopped: epochs.length < lesson.epochs,
  };
}

const ADAM = { name: 'adamw', momentum: 0, nesterov: false, noBiasDecay: true } as const;
const RECIPES = {
  head: { learningRate: 0.01, optimizer: { ...ADAM, weightDecay: 0.01 } },
  part: { learningRate: 0.001, headLr: 10, optimizer: { ...ADAM, weightDecay: 0.01 } },
  whole: { learningRate: 0.0005, headLr: 10, optimizer: { ...ADAM, weightDecay: 0.01 } },
  scratch: { learningRate: 0.004, optimizer: { ...ADAM, weightDecay: 0.02 } },
} as const;

/** Pictures a step; fewer where they are too large for what a page may have of memory. */
const LARGEST_BATCH = 32;
const STEP_MEMORY = 2 ** 30;
/** How much of a net's multiplications its last part is. */
const LAST_PART = 1 / 4;

type Split = ReturnType<typeof splitExamples<Lesson['classes'][number]['images'][number]>>;
type Report = (status: string, done: number) => void;
type LearnOptions = Pick<
  FitOptions,
  'classes' | 'epochs' | 'seed' | 'backend' | 'signal' | 'onEpoch' | 'onStep'
>;

/** Goes on from the open model: all of it, or what comes after what is run once on each picture. */
async function learnFromModel(
  lesson: Lesson,
  split: Split,
  options: LearnOptions,
  report: Report,
): Promise<Learnt> {
  const { base, seed, method } = lesson;
  if (!base)
    throw new UserError('No model is open to learn from; open one, or train a small net from scratch.');
  const { signal, classes } = options;
  const given = await fetchModel(base, signal, () => undefined);
  const { graph: opened, metadata } = await readGiven(base.name, given, openToTry);
  refuseUntrainable(opened, metadata, base.name);
  const opset = opened.opset ?? OPSET_VERSION;
  const labels = lesson.classes.map(({ name }) => name);
  const trainable = await trainableModel({ graph: opened, opset });
  const { graph: whole, head } = withClasses(trainable, metadata.labels, labels, { seed });
  const size = { width: metadata.inputWidth, height: metadata.inputHeight };
  const pictures = await prepareExamples(split.train, size, signal);
  const heldOut = await prepareExamples(split.heldOut, size, signal);
  const net = async (batch: number) => trainableModel({ graph: whole, opset }, batch);
  const fitting = method === 'whole' ? largestBatch(await net(1)) : LARGEST_BATCH;
  const batchSize = Math.min(fitting, method === 'whole' ? pictures.length : 2 * pictures.length);
  const sized = await net(batchSize);
  const cut =
    method === 'head'
      ? cutFrozenFront(sized, whole, (name) => name !== head.weight && name !== head.bias)
      : method === 'part'
        ? lastPart(sized, whole)
        : undefined;
  let data: { train: TrainingData; heldOut: TrainingData };
  if (cut) {
    const train = withMirrored(pictures, size.width);
    const total = train.length + heldOut.length;
    const features = (examples: typeof train, before: number) =>
      computeFeatures(cut.front, examples, metadata, signal, (done) =>
        report(`Looking at ${total} pictures…`, (PREPARING * (before + done)) / total),
      );
    data = { train: await features(train, 0), heldOut: await features(heldOut, train.length) };
  } else {
    const of = (examples: typeof pictures, augment: boolean) => pixelData(examples, size, metadata, augment);
    data = { train: of(pictures, true), heldOut: of(heldOut, false) };
  }
  report('Preparing the training step…', PREPARING);
  const trained = cut?.tail ?? sized;
  const { learningRate, optimizer, headLr = 1 } = { headLr: 1, ...RECIPES[method] };
  const result = await fit(trained, data.train, data.heldOut, {
    ...{ ...options, batchSize, learningRate, batchNorm: 'frozen' },
    optimizer: { ...optimizer, rates: parameterRates(trained, { headLr }) },
  }).catch((error: unknown) => {
    if (!(error instanceof UserError) || !/cannot be trained/.test(error.message) || method === 'head')
      throw error;
    throw new UserError(`${error.message}, as “Last layer” does.`);
  });
  return {
    ...result,
    confusion: await confusionOf(result.graph, data.heldOut, classes),
    graph: withTrained(whole, result.graph),
    model: metadata.model.replace(/-taught$/, ''),
    ...{ size, normalization: metadata },
    ...(metadata.licence !== undefined && { licence: metadata.licence }),
  };
}

/** @throws UserError if a model is none that training can go on from */
function refuseUntrainable(graph: Graph, { oneByOne }: ClassifierMetadata, name: string): void {
  const precision = precisionOf(graph);
  if (precision !== 'fp32') {
    throw new UserError(
      `${name} is a model of ${precision}, and training goes on from float32; open that one, or train a small net from scratch.`,
    );
  }
  if (oneByOne || typeof graph.inputs[0]?.dims[0] === 'number') {
    throw new UserError(
      `${name} takes one picture at a time and cannot be trained in batches; export it with a dynamic batch.`,
    );
  }
}

/** How many pictures a step has memory for: of each, what the layers give is kept, and has a gradient as large. */
function largestBatch(ofOne: Graph): number {
  let values = 0;
  const shapes = inferShapes(ofOne);
  for (const { outputs } of ofOne.nodes) {
    for (const name of outputs) values += sizeOf((shapes.get(name)?.dims ?? []).map(Number));
  }
  const fitting = STEP_MEMORY / (2 * 4 * values);
  return Math.min(LARGEST_BATCH, 2 ** Math.max(1, Math.floor(Math.log2(fitting))));
}

/** The longest tail that has no more than its share of the work; undefined where there is none. */
function lastPart(graph: Graph, anyBatch: Graph): CutNet | undefined {
  const most = LAST_PART * countMacs(graph);
  let found: CutNet | undefined;
  for (const cut of cutsOf(graph, anyBatch)) {
    if (countMacs(cut.tail) > most) break;
    found = cut;
  }
  return found;
}

/** The graph with the values that another of the same names has learned. */
function withTrained(graph: Graph, trained: Graph): Graph {
  const { parameters, buffers } = initializerRoles(trained);
  const learned = [...parameters, ...buffers].map((name) => [name, trained.initializers.get(name)!] as const);
  return { ...graph, initializers: new Map([...graph.initializers, ...learned]) };
}

async function learnFromScratch(lesson: Lesson, split: Split, options: LearnOptions): Promise<Learnt> {
  const train = await prepareExamples(split.train, SMALL_SIZE, options.signal);
  const heldOut = await prepareExamples(split.heldOut, SMALL_SIZE, options.signal);
  const graph = buildSmallNet(options.classes, lesson.seed);
  const trainData = pixelData(train, SMALL_SIZE, CIFAR100_NORMALIZATION, true);
  const heldOutData = pixelData(heldOut, SMALL_SIZE, CIFAR100_NORMALIZATION, false);
  const batchSize = Math.min(LARGEST_BATCH, train.length);
  const result = await fit(graph, trainData, heldOutData, {
    ...{ ...options, ...RECIPES.scratch, batchSize, batchNorm: 'train' },
  });
  const confusion = await confusionOf(result.graph, heldOutData, options.classes);
  return { ...result, confusion, model: graph.name, size: SMALL_SIZE, normalization: CIFAR100_NORMALIZATION };
}

async function confusionOf(graph: Graph, heldOut: TrainingData, classes: number): Promise<ConfusionMatrix> {
  const confusion = new ConfusionMatrix(classes);
  if (heldOut.count > 0) await evaluate(graph, heldOut, classes, confusion);
  return confusion;
}

async function encode(learnt: Learnt, lesson: Lesson): Promise<Uint8Array<ArrayBuffer>> {
  const { graph, accuracy, model, size, normalization, licence } = learnt;
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
    ...(licence === undefined ? {} : { licence }),
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
