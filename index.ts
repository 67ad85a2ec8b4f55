/**
 * onnx-classifier for code: train, export, quantise, load, evaluate and serve image classifiers. Each function is one
 * of the commands, with the same defaults; options mean what `npm run NAME -- --help` says of them. Mistakes that the
 * caller can mend are {@link UserError}s, in one line. Heavy packages (onnxruntime, sharp, express, TensorFlow) are
 * loaded when a function first needs them.
 */
import { nearest } from './core/cli/options.ts';
import type { ImageDataset, ImageSplit, Normalization } from './core/data/dataset.ts';
import type { DatasetChoice, DatasetName } from './core/data/load.ts';
import { UserError } from './core/errors.ts';
import type { ClassReport } from './core/metrics/class-report.ts';
import type { ConfusionMatrix } from './core/metrics/confusion-matrix.ts';
import type { Prediction } from './core/metrics/scores.ts';
import type { Agreement, ModelAccuracy, Precision } from './core/model-metadata.ts';
import type { Operator } from './core/onnx/operators/operator.ts';
import type { Normalizer } from './core/preprocess/normalize.ts';
import type { PixelImage } from './core/preprocess/pixel-image.ts';
import type { RuntimeChoice } from './core/runtime/runtimes.ts';
import type { CheckpointChoice, ExportOptions } from './export/options.ts';
import type { QuantizeReport } from './export/quantize/options.ts';
import type { ConvertOptions, ConvertResult } from './export/weights/convert.ts';
import type { LogLevel } from './serve/http/logger.ts';
import type { LoadedModel } from './serve/models/loaded-model.ts';
import type { Rule } from './train/gradients/rule.ts';
import type { EpochLog } from './train/loop.ts';
import type { TfjsOperator } from './train/lowering/tfjs/operator.ts';
import type { PresetName } from './train/recipe/recipe-file.ts';
import type { Recipe } from './train/recipe/settings.ts';
import type { LogName } from './train/runs/logs.ts';

export type {
  Agreement,
  ClassReport,
  ConvertResult,
  EpochLog,
  ExportOptions,
  ImageDataset,
  ImageSplit,
  ModelAccuracy,
  Normalization,
  PixelImage,
  Precision,
  Prediction,
  QuantizeReport,
};
export { UserError };

export interface DatasetOptions {
  /** Default `auto`: what the files are, else `synthetic`, which is drawn by code. */
  dataset?: DatasetChoice;
  /** Folder or archive of the data; default CIFAR100_DIR, then `./data`. Of image folders see docs/image-folders.md. */
  data?: string;
  /** Height and width in pixels that the images of a folder get; default 32. */
  imageSize?: number;
  /** Share of the training images, e.g. 0.1, that chooses the best epoch, or tests where there are no test images. */
  valShare?: number;
  /** Draws that share; default 42. */
  seed?: number;
  /** Leave out image files that cannot be read, instead of refusing the folder; default false. */
  skipBroken?: boolean;
  /** Called as image files are decoded. */
  onProgress?: (done: number, total: number) => void;
  /** Called with a line about files that are not read. */
  onNote?: (line: string) => void;
}

/**
 * Loads labelled images into memory: CIFAR-100, CIFAR-10, a folder of own photos, or the synthetic dataset.
 * @returns images as bytes, [count, 3, height, width] a split, and the names of the classes
 * @throws UserError if the data is missing or damaged, or the options do not go together
 * @example
 * const dataset = await loadDataset({ data: 'photos', imageSize: 32, valShare: 0.25 });
 * console.log(dataset.labels, dataset.train.count, dataset.test.count);
 */
export async function loadDataset(options: DatasetOptions = {}): Promise<ImageDataset> {
  checkNames('loadDataset', options, DATASET_OPTIONS);
  const { data, valShare, seed = 42, ...rest } = options;
  const { loadDataset: load } = await import('./core/data/load.ts');
  return load({
    ...rest,
    dir: data,
    ...(valShare === undefined ? {} : { heldOut: { share: valShare, seed } }),
  });
}

/** How to train: the settings of a recipe (train/recipe/settings.ts); what is left out is as in `npm run train`. */
export interface TrainOptions extends Omit<Recipe, 'from'> {
  dataset: ImageDataset;
  /** A recipe of `recipes/`, whose settings may still be given. */
  preset?: PresetName;
  /** The run's directory; default `runs/<time>-<model>-<dataset>`. */
  run?: string;
  /**
   * A run to go on with, at the batch where it stands: its directory, or what {@link train} gave. The dataset is the one
   * it was begun on; of the settings only `epochs` (more of them, where its schedule allows), `engine`, `provider`,
   * `stepsPerCall`, `threads` and `workers` may be given.
   */
  resume?: string | TrainedRun;
  /** What a new run begins with: a model's file or name, or a run, whose best weights it takes. */
  from?: string | TrainedRun;
  /** Stop and save after so long. */
  maxMinutes?: number;
  /** Stop and save as soon as possible. */
  signal?: AbortSignal;
  /** Write event files for TensorBoard too; default false. */
  tensorboard?: boolean;
  /** What else to log to: `csv`, `jsonl` (steps), `mlflow`; default nothing. */
  log?: LogName | readonly LogName[];
  /** Called after each step: steps done in this epoch, and the step's loss in nats. */
  onStep?: (step: number, loss: number) => void;
  /** Called after each epoch with its line of the log. */
  onEpoch?: (epoch: EpochLog) => void;
  /** Called with a line on what is done otherwise than asked for. */
  onNote?: (line: string) => void;
}

/** What is to be known of an operator so that it can be trained. */
export interface OperatorExtension {
  /** Its gradient, and how it acts while training if that is not as ever: a few lines, see `train/gradients/rule.ts`. */
  rule: Rule;
  /** Its shapes, types and cost, if `core/onnx/operators/` does not know them. */
  operator?: Operator;
  /** How TensorFlow computes it, and what of its rule is new to it; only for `engine: 'tfjs'`. */
  tfjs?: Readonly<Record<string, TfjsOperator>>;
}

/**
 * Lets models with an operator of ai.onnx be trained that has no rule, in this process.
 * @example
 * // y = x where |x| > 0.5, else 0
 * await addOperator('Shrink', {
 *   rule: { backward: (g, { y }, [dy]) => [g.where(g.equal(y, g.constant(0)), g.constant(0), dy!)] },
 * });
 * console.log('models with Shrink can be trained');
 */
export async function addOperator(name: string, { rule, operator, tfjs }: OperatorExtension): Promise<void> {
  const [{ RULES }, { OPERATORS }] = await Promise.all([
    import('./train/gradients/rules.ts'),
    import('./core/onnx/operators/index.ts'),
  ]);
  RULES.set(name, rule);
  if (operator) OPERATORS.set(name, operator);
  if (!tfjs) return;
  const { OPERATORS: lowered } = await import('./train/lowering/tfjs/operators/index.ts');
  for (const [op, compute] of Object.entries(tfjs)) lowered.set(op, compute);
}

export interface TrainedRun {
  /** Its directory: config, log, plots and checkpoints (docs/runs.md). */
  run: string;
  /** The zoo's name of the net. */
  model: string;
  /** False if it was stopped; `resume`, or `npm run train -- --resume`, goes on with it. */
  finished: boolean;
  /** Then: the images on which an epoch, or in the end the best, is still to be measured, if that was put off. */
  unevaluated?: 'validation' | 'test';
  /** Present if it is finished before its last epoch, for its `patience` was at an end. */
  stoppedEarly?: true;
  /** What the training took. */
  seconds: number;
  /** Of the best epoch, on the validation images where there are some, else on the test images. */
  best?: ModelAccuracy;
  /** Where validation images chose the best epoch: its accuracy on the test images. */
  test?: ModelAccuracy;
}

/**
 * Trains a net and keeps it as a run directory, to be exported, compared or gone on with. The batch becomes smaller where
 * none is given and the images do not fill it.
 * @throws UserError if the settings contradict each other or do not fit the data, or training fails
 * @example
 * const dataset = await loadDataset({ data: 'photos', valShare: 0.25 });
 * const { run, best } = await train({ dataset, model: 'resnet14t', epochs: 1, batchSize: 16, run: 'runs/photos' });
 * console.log(run, best?.top1);
 * // Stopped at once, and gone on with.
 * const stopped = await train({ dataset, model: 'resnet14t', epochs: 1, run: 'runs/stopped', maxMinutes: 0 });
 * const { finished } = await train({ dataset, resume: stopped });
 * console.log(stopped.finished, finished);
 */
export async function train(options: TrainOptions): Promise<TrainedRun> {
  const {
    dataset,
    preset,
    run: path,
    resume,
    from,
    signal,
    maxMinutes,
    tensorboard,
    log = [],
    ...rest
  } = options;
  const { onStep, onEpoch, onNote = () => {}, ...given } = rest;
  const pathOf = (run: string | TrainedRun) => (typeof run === 'object' ? run.run : run);
  const [recipes, { parseRecipe }, plans, { createRun, startRun }, { RunDirectory }] = await Promise.all([
    import('./train/recipe/recipe-file.ts'),
    import('./train/recipe/parse.ts'),
    import('./train/plan-run.ts'),
    import('./train/trainer.ts'),
    import('./core/runs/run-directory.ts'),
  ]);
  const recipe = parseRecipe(
    {
      ...(await recipes.namedRecipe([], preset)),
      ...given,
      ...(from !== undefined && { from: pathOf(from) }),
    },
    'train',
  );
  const stored = resume === undefined ? undefined : RunDirectory.open(pathOf(resume));
  if (stored) {
    const changeable: readonly string[] = plans.CHANGEABLE;
    const refused = Object.keys({ ...recipe, ...(path && { run: path }) }).filter(
      (name) => !changeable.includes(name),
    );
    if (refused.length > 0)
      throw new UserError(
        `train: ${refused.join(', ')} cannot be given with resume; the run's config.json decides`,
      );
    await stored.lock();
  }
  try {
    const resumed = stored ? await plans.readResumed(stored, recipe, onNote) : undefined;
    const plan = await plans.planRun(
      recipe,
      dataset,
      { say: onNote, warn: onNote },
      { resumed, fit: given.batchSize === undefined },
    );
    const { run, result, seconds } = await startRun({
      ...plan,
      tensorboard: tensorboard ?? false,
      logs: typeof log === 'string' ? [log] : log,
      shouldStop: () => signal?.aborted ?? false,
      ...(maxMinutes === undefined ? {} : { maxSeconds: maxMinutes * 60 }),
      open: async () => {
        if (resumed) await plans.rememberChanges(resumed, dataset);
        return {
          run: resumed?.run ?? (await createRun(plan.config, plan.dataset, path, plan)),
          observer: {
            onStep: ({ progress, loss }) => onStep?.(progress.batch, loss),
            onEpochEnd: ({ entry }) => onEpoch?.(entry),
          },
        };
      },
    });
    return { run: run.path, model: plan.config.model, seconds, ...result };
  } finally {
    await stored?.unlock();
  }
}

/** Which weights: of a run, of a file, or of the newest run of a net. */
export interface WeightsChoice {
  /** A run's directory, or what {@link train} gave. */
  run?: string | TrainedRun;
  /** A `.pth`, `.safetensors` or `.onnx` file of a net of the zoo. */
  weights?: string;
  /** The net: its newest run under `runs/`, or the embedded model of that name; of `weights`, if they are ambiguous. */
  model?: string;
  /** Of a run: the weights of the best epoch (default) or the newest. */
  checkpoint?: CheckpointChoice;
  /** With `weights`: what they were trained on, for the names of its classes. */
  dataset?: DatasetName;
  /** With `weights`: a file of class names, one a line or JSON. */
  labels?: string;
  /** With `weights`: a PyTorch checkpoint's entry that has them. */
  key?: string;
}

export interface ExportedModel {
  /** The model file, and all files written, it included: class names, a model card, perhaps external data. */
  file: string;
  files: string[];
  /** Of the model with its external data. */
  bytes: number;
  precision: Precision;
  labels: string[];
  /** As the trainer measured it in float32; absent for weights of which nobody says it. */
  accuracy?: ModelAccuracy;
  /** How often its best class is that of the float32 weights, on which images. */
  agreement: Agreement;
  /** Of int8: how it was done. */
  quantization?: QuantizeReport;
  /** What its user should know, a line each. */
  notes: string[];
}

/**
 * Writes trained weights as an ONNX file with class names and a model card. It is run against the weights before it
 * is put in place; the same weights give the same bytes.
 * @throws UserError if the weights are not found or fit no net, the options do not go together, the file gives other
 *   scores than the weights, or cannot be written; nothing is changed then
 * @example
 * const { file, bytes } = await exportModel({ run: 'runs/photos', out: 'exports/photos.onnx' });
 * console.log(file, bytes);
 */
export async function exportModel(options: WeightsChoice & ExportOptions): Promise<ExportedModel> {
  checkNames('exportModel', options, { ...WEIGHTS_OPTIONS, ...EXPORT_OPTIONS });
  const { run, weights, model, checkpoint = 'best', dataset, labels, key, ...how } = options;
  const [{ chooseSource }, { exportModel: write }] = await Promise.all([
    import('./export/sources/choose-source.ts'),
    import('./export/export-model.ts'),
  ]);
  const source = await chooseSource({
    run: typeof run === 'object' ? run.run : run,
    ...{ weights, model, checkpoint, dataset, labels, key, data: how.data },
  });
  const notes = [...source.remarks];
  return exported({ ...(await write(source, how)), notes });
}

/** How {@link quantize} and {@link adaptModel} write a model file. */
export interface AdaptOptions extends Omit<ExportOptions, 'precision'> {
  /** Of a model of another program: the JSON file that says how to prepare images; default beside the model. */
  preprocessing?: string;
}

/**
 * Writes a classifier of another program (PyTorch, Hugging Face, timm, Keras, YOLO) as a model file of ours: with its
 * class names and preprocessing in it, as docs/foreign-models.md says. It is run against the original before it is put
 * in place.
 * @param model the `.onnx` file
 * @throws UserError as {@link exportModel}, or if it is no image classifier or does not say how to prepare images
 * @example
 * const { file, labels, notes } = await adaptModel('models/resnet14t.onnx', { out: 'exports/half.onnx', precision: 'fp16' });
 * console.log(file, labels.length, notes);
 */
export async function adaptModel(
  model: string,
  options: AdaptOptions & { precision?: Precision } = {},
): Promise<ExportedModel> {
  checkNames('adaptModel', options, { preprocessing: true, ...EXPORT_OPTIONS });
  const { exportForeign } = await import('./export/export-foreign.ts');
  return exported(await exportForeign(model, options));
}

/**
 * Writes an `.onnx` classifier, ours or of another program, in int8: weights per channel, activations in ranges that
 * pictures show (`calibration`, default 500 of the training images).
 * @param model the `.onnx` file
 * @param options.data where its dataset is, or a folder of some hundred pictures such as it is for
 * @throws UserError as {@link adaptModel}, or if there are no pictures to calibrate on
 * @example
 * const { file, agreement } = await quantize('exports/photos.onnx', { data: 'photos', out: 'exports/photos-int8.onnx' });
 * console.log(file, agreement.top1Agreeing, 'of', agreement.images);
 */
export function quantize(model: string, options: AdaptOptions = {}): Promise<ExportedModel> {
  return adaptModel(model, { ...options, precision: 'int8' });
}

/**
 * Converts weights: `.pth`, `.safetensors` or `.onnx` to `.safetensors` or `.onnx`. Nothing in a checkpoint is executed.
 * @param input known by its content
 * @param output an existing file is replaced
 * @throws UserError if the input cannot be read or does not fit the net, or the output cannot be written
 * @example
 * const { model, values } = await convertWeights('models/resnet14t.onnx', 'exports/resnet14t.safetensors');
 * console.log(model, values);
 */
export async function convertWeights(
  input: string,
  output: string,
  options: Omit<ConvertOptions, 'input' | 'output'> = {},
): Promise<ConvertResult> {
  checkNames('convertWeights', options, CONVERT_OPTIONS);
  const { convertWeights: convert } = await import('./export/weights/convert.ts');
  return convert({ ...options, input, output });
}

/**
 * A picture: the path of a file (PNG, JPEG, WebP, GIF, AVIF, BMP, TIFF), its bytes, its pixels, or its address as a
 * `URL`, of which http and https are fetched (at most 50 MB and 30 s): give none that a stranger chose.
 */
export type ImageInput = string | URL | Uint8Array | PixelImage;

export interface ClassifyOptions {
  /** How many classes, best first; default 5, or all where there are fewer. */
  topK?: number;
}

/** What came of one picture of many. */
export type ImageResult<T extends ImageInput = ImageInput> =
  | { image: T; predictions: Prediction[] }
  /** It cannot be read or decoded. */
  | { image: T; error: UserError };

export interface ClassifierOptions {
  /** For a model of another program: the JSON file that says how to prepare images; default beside the model. */
  preprocessing?: string;
  /** Inference threads; default by the cores. */
  workers?: number;
  /** Threads inside an operator; default by the cores. */
  threads?: number;
  /** Most pictures the model runs at once; default 32. */
  maxBatch?: number;
  /** What runs it: `onnxruntime` (default), `openvino` (npm run setup:openvino), `auto`: the faster here, by a short trial. */
  runtime?: RuntimeChoice;
}

/** Pictures of {@link Classifier.classifyEach} that are under way at a time. */
const AHEAD = 64;
/** Of these, pictures that are being decoded: each may need hundreds of megabytes. */
const DECODERS = 4;
/** Up to here a file is decoded and resized in a few milliseconds; larger ones are in threads. */
const LARGE_BYTES = 100_000;
const DEFAULT_TOP_K = 5;

/**
 * A classifier in this process, without a server: float32, float16, int8 and models of other programs. Pictures are
 * prepared, run and scored by the code that the server has. The model runs in threads, and large files are decoded in
 * some, so that the event loop stays free. It keeps the process alive until it is closed.
 * @example
 * const classifier = await Classifier.open('resnet14t');
 * for (const { label, probability } of await classifier.classify('picture.png', { topK: 3 })) {
 *   console.log(label, probability);
 * }
 * await classifier.close();
 */
export class Classifier {
  /** The model's own name, e.g. `resnet14t`. */
  readonly name: string;
  /** Class names by index. */
  readonly labels: readonly string[];
  /** What it was trained on, e.g. `cifar100`. */
  readonly dataset: string;
  /** Of its input, in pixels; pictures of any size are brought to it. */
  readonly width: number;
  readonly height: number;
  /** Of its input, with pixel values scaled to [0, 1], RGB. */
  readonly normalization: Normalization;
  /** Whether a picture shows one of the classes (probabilities sum to 1) or any number of them. */
  readonly scores: 'exclusive' | 'independent';
  /** What the graph computes in. */
  readonly precision: Precision;
  /** As the trainer measured it in float32, where that is known. */
  readonly accuracy: ModelAccuracy | undefined;
  /** What its user should know, a line each. */
  readonly notes: readonly string[];
  readonly #model: LoadedModel;
  readonly #normalizer: Normalizer;
  readonly #decoding = new Turns(DECODERS);
  #closing: Promise<void> | undefined;

  private constructor(model: LoadedModel, normalizer: Normalizer) {
    const { metadata, notes } = model.served;
    this.name = metadata.model;
    this.labels = metadata.labels;
    this.dataset = metadata.dataset;
    this.width = metadata.inputWidth;
    this.height = metadata.inputHeight;
    this.normalization = { mean: metadata.mean, std: metadata.std };
    this.scores = metadata.scores === 'independent' ? 'independent' : 'exclusive';
    this.precision = metadata.precision ?? 'fp32';
    this.accuracy = metadata.accuracy;
    this.notes = notes;
    this.#model = model;
    this.#normalizer = normalizer;
  }

  /**
   * Loads a model and warms it up.
   * @param model an `.onnx` file, a folder as Hugging Face lays it out, or a name that is looked up in `exports/` and
   *   `models/`; default the embedded model
   * @throws UserError if there is none, it is no image classifier, or the runtime cannot run it
   * @example
   * const classifier = await Classifier.open();
   * console.log(classifier.name, classifier.labels.length, classifier.notes);
   * await classifier.close();
   */
  static async open(model?: string, options: ClassifierOptions = {}): Promise<Classifier> {
    checkNames('Classifier.open', options, CLASSIFIER_OPTIONS);
    const { preprocessing, workers, threads, maxBatch, runtime } = options;
    checkCounts({ workers, threads, maxBatch });
    const { requireRuntime } = await import('./core/runtime/runtimes.ts');
    requireRuntime(runtime);
    const [{ findModelFile, loadServedModel }, { LoadedModel }, { chooseInference }, limits, { Normalizer }] =
      await Promise.all([
        import('./serve/model-file.ts'),
        import('./serve/models/loaded-model.ts'),
        import('./serve/inference/pool.ts'),
        import('./serve/http/limits.ts'),
        import('./core/preprocess/normalize.ts'),
      ]);
    const served = await loadServedModel(await findModelFile(model), preprocessing);
    const loaded = await LoadedModel.load(
      { name: served.metadata.model, version: 1 },
      served,
      // Nobody is refused: `classifyEach` sends only so much ahead.
      {
        ...chooseInference({ workers, threads }),
        ...(maxBatch && { maxBatch }),
        ...(runtime && { runtime }),
        maxQueued: Number.MAX_SAFE_INTEGER,
      },
      limits.DEFAULT_LIMITS,
    );
    return new Classifier(loaded, new Normalizer(served.metadata));
  }

  /**
   * Classifies a picture, or some.
   * @returns the best classes, best first, of the picture, or of each in their order
   * @throws UserError if one cannot be read or decoded, which it names; {@link classifyEach} goes on instead
   * @example
   * const classifier = await Classifier.open();
   * const [best] = await classifier.classify('picture.png');
   * const both = await classifier.classify(['picture.png', 'photos/red/00.png'], { topK: 1 });
   * console.log(best?.label, both.map(([first]) => first?.label));
   * await classifier.close();
   */
  async classify(image: ImageInput, options?: ClassifyOptions): Promise<Prediction[]>;
  async classify(images: readonly ImageInput[], options?: ClassifyOptions): Promise<Prediction[][]>;
  async classify(
    images: ImageInput | readonly ImageInput[],
    options: ClassifyOptions = {},
  ): Promise<Prediction[] | Prediction[][]> {
    const list: readonly ImageInput[] = isList(images) ? images : [images];
    const answers: Prediction[][] = [];
    for await (const result of this.classifyEach(list, options)) {
      if ('error' in result) throw result.error;
      answers.push(result.predictions);
    }
    return isList(images) ? answers : answers[0]!;
  }

  /**
   * Classifies any number of pictures, which may come from a generator, in little memory.
   * @yields a result for each, in their order; of one that cannot be read or decoded, why
   * @example
   * const classifier = await Classifier.open();
   * for await (const result of classifier.classifyEach(['picture.png', 'missing.png'])) {
   *   if ('error' in result) console.log(result.error.message);
   *   else console.log(result.image, result.predictions[0]?.label);
   * }
   * await classifier.close();
   */
  async *classifyEach<T extends ImageInput>(
    images: Iterable<T> | AsyncIterable<T>,
    options: ClassifyOptions = {},
  ): AsyncGenerator<ImageResult<T>, void, void> {
    checkNames('classify', options, { topK: true });
    const { topK = DEFAULT_TOP_K } = options;
    checkCounts({ topK });
    const underWay: Promise<ImageResult<T> | { fault: unknown }>[] = [];
    const next = async (): Promise<ImageResult<T>> => {
      const result = await underWay.shift()!;
      if ('fault' in result) throw result.fault;
      return result;
    };
    let index = 0;
    for await (const image of images) {
      const source = typeof image === 'string' ? image : image instanceof URL ? image.href : `image ${index}`;
      index++;
      underWay.push(
        this.#classifyOne(image, source, topK).then(
          (predictions) => ({ image, predictions }),
          // A fault is thrown when its turn comes: nobody waits for it yet.
          (error: unknown) => (error instanceof UserError ? { image, error } : { fault: error }),
        ),
      );
      if (underWay.length >= AHEAD) yield await next();
    }
    while (underWay.length > 0) yield await next();
  }

  /**
   * Runs the model on images that are prepared already.
   * @param input [images, 3, height, width]: RGB, `(v / 255 - mean) / std`; not to be changed before the answer
   * @returns [images, classes]: logits, or logarithms of probabilities (docs/architecture.md)
   * @throws RangeError if the input has another length
   * @example
   * const classifier = await Classifier.open();
   * const { width, height } = classifier;
   * const scores = await classifier.run(new Float32Array(2 * 3 * height * width), 2);
   * console.log(scores.length === 2 * classifier.labels.length);
   * await classifier.close();
   */
  async run(input: Float32Array, images: number): Promise<Float32Array> {
    if (this.#closing) throw new UserError('the classifier is closed; open another');
    return (await this.#model.pool.run(input, images)).logits;
  }

  /** Ends its threads and frees its memory; what is under way fails. A second call does nothing. */
  close(): Promise<void> {
    this.#closing ??= this.#model.pool.close();
    return this.#closing;
  }

  /** {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #classifyOne(image: ImageInput, source: string, topK: number): Promise<Prediction[]> {
    const { bestPredictions } = await import('./core/metrics/scores.ts');
    const pixels = await this.#decoding.take(() => this.#prepare(image, source));
    const input = this.#normalizer.batch([pixels], this.width * this.height);
    const scores = await this.run(input, 1);
    const best = bestPredictions(scores, this.#model.served.metadata, topK);
    if (!best) throw new UserError(`${source}: the model gave a score that is not a number`);
    return best;
  }

  /** @returns [height, width, 3] */
  async #prepare(image: ImageInput, source: string): Promise<PixelImage['data']> {
    const { prepareImage } = await import('./core/preprocess/prepare-image.ts');
    if (typeof image === 'object' && 'data' in image)
      return prepareImage(checkPixels(image, source), this).data;
    const bytes = image instanceof Uint8Array ? image : await readBytes(image);
    if (bytes.length > LARGE_BYTES) {
      const { prepareInThread } = await import('./serve/image/picture-threads.ts');
      return prepareInThread({ bytes, source, width: this.width, height: this.height });
    }
    const { decodePicture } = await import('./core/image/picture-file.ts');
    return prepareImage(await decodePicture(bytes, source), this).data;
  }
}

export interface EvaluateOptions {
  /** Images at a time, or in a request; default 64. */
  batchSize?: number;
  /** Only the first so many. */
  limit?: number;
  /** Of a server: its model, `NAME` or `NAME@VERSION`; default its first. */
  model?: string;
  /** Of a server with a key. */
  apiKey?: string;
  /** Called after each batch. */
  onProgress?: (progress: { done: number; total: number; top1: number }) => void;
}

/** What was scored on test images; fractions in [0, 1]. */
export interface Evaluation {
  images: number;
  top1: number;
  top5: number;
  top1Correct: number;
  top5Correct: number;
  /** Mean cross-entropy in nats; a server does not say. */
  loss?: number;
  seconds: number;
  imagesPerSecond: number;
  /** Of each class: images, recall, precision, what it is taken for. */
  classes: ClassReport[];
  /** [true class][predicted class] in images. */
  confusion: number[][];
}

/**
 * Measures top-1 and top-5 on a dataset's test images: of a classifier in this process, or through a running server,
 * to which they travel as PNG files.
 * @param target an open {@link Classifier}, or a server's address
 * @throws UserError if its classes are others than the dataset's or do not exclude each other, or the server fails
 * @example
 * const dataset = await loadDataset({ data: 'photos', valShare: 0.25 });
 * const classifier = await Classifier.open('exports/photos.onnx');
 * const { top1, images } = await evaluate(classifier, dataset);
 * console.log(top1, images);
 * await classifier.close();
 */
export async function evaluate(
  target: Classifier | string,
  dataset: ImageDataset,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  checkNames('evaluate', options, EVALUATE_OPTIONS);
  const { batchSize = 64, limit, onProgress } = options;
  checkCounts({ batchSize, limit });
  const [{ evaluateServer }, { checkComparable, Tally }, reports] = await Promise.all([
    import('./serve/evaluate/evaluate-server.ts'),
    import('./core/metrics/tally.ts'),
    import('./core/metrics/class-report.ts'),
  ]);
  const tables = (matrix: ConfusionMatrix): Pick<Evaluation, 'classes' | 'confusion'> => ({
    classes: reports.classReports(matrix, dataset.labels),
    confusion: dataset.labels.map((_, label) => dataset.labels.map((_, taken) => matrix.at(label, taken))),
  });
  if (typeof target === 'string') {
    const result = await evaluateServer({ ...options, server: target, dataset, batchSize });
    const { images, top1, top5, top1Correct, top5Correct, seconds, imagesPerSecond, matrix } = result;
    return {
      ...{ images, top1, top5, top1Correct, top5Correct, seconds, imagesPerSecond },
      ...tables(matrix),
    };
  }
  checkComparable(target, dataset, 'the model');
  if (dataset.height !== target.height || dataset.width !== target.width) {
    throw new UserError(
      `the model takes images of ${target.width}x${target.height}, those of ${dataset.name} are ` +
        `${dataset.width}x${dataset.height}; load them with imageSize: ${target.height}`,
    );
  }
  const [{ evaluationBatches }, { firstImages }] = await Promise.all([
    import('./core/preprocess/evaluation-batches.ts'),
    import('./core/data/split.ts'),
  ]);
  const split = firstImages(dataset.test, limit ?? dataset.test.count);
  if (split.count === 0) throw new UserError(`${dataset.name} has no test images to evaluate on`);
  const tally = new Tally(dataset.labels.length);
  const start = performance.now();
  for (const { images, labels, size } of evaluationBatches(split, target.normalization, batchSize)) {
    const scores = await target.run(images, size);
    tally.add(scores, labels, size, tally.accuracy.images);
    const { images: done, top1 } = tally.accuracy;
    onProgress?.({ done, total: split.count, top1 });
  }
  const seconds = (performance.now() - start) / 1000;
  return { ...tally.accuracy, seconds, imagesPerSecond: split.count / seconds, ...tables(tally.matrix) };
}

export interface ServerOptions {
  /** `FILE`, `NAME` or `NAME=FILE` each; default the embedded model. */
  models?: string[];
  /** A folder of models, served as it changes. */
  folder?: string;
  /** For one model of another program: the JSON file that says how to prepare images. */
  preprocessing?: string;
  /** Seconds between two looks at the model files; default 0: never again. */
  reloadSeconds?: number;
  /** Default 8080; 0 takes any free one. */
  port?: number;
  /** The address to listen on; default 127.0.0.1: this machine only. */
  host?: string;
  /** Inference threads of a model, and threads inside an operator; default by the cores. */
  workers?: number;
  threads?: number;
  /** Most images the model runs at once; default 32. */
  maxBatch?: number;
  /** What runs the models, as of {@link ClassifierOptions}. */
  runtime?: RuntimeChoice;
  /** What clients must send as a bearer token; default none. */
  apiKey?: string;
  /** Web origins whose pages may use the server; default none. */
  cors?: string[];
  /** Requests a minute of one address; default any number. */
  rateLimit?: number;
  /** Of JSON lines on stderr; default `silent`. */
  logLevel?: LogLevel;
}

export interface Server {
  /** Without a trailing slash, e.g. `http://127.0.0.1:8080`. */
  url: string;
  /** The models it serves, `NAME@VERSION`; the first is the default. */
  models: string[];
  /** Takes no more requests, finishes those accepted (for at most 30 s) and frees everything. */
  close(): Promise<void>;
}

/**
 * Starts the server of `npm run serve` in this process: `/predict`, the Open Inference Protocol, OpenAPI, metrics
 * (docs/serving.md). Resolves once it answers predictions.
 * @throws UserError if there is no usable model, or the address cannot be listened on
 * @example
 * const server = await startServer({ models: ['resnet14t'], port: 0 });
 * const health = await fetch(`${server.url}/v2/health/ready`);
 * console.log(server.models, health.ok);
 * await server.close();
 */
export async function startServer(options: ServerOptions = {}): Promise<Server> {
  checkNames('startServer', options, SERVER_OPTIONS);
  const { workers, threads, maxBatch, runtime, apiKey, cors, rateLimit, ...rest } = options;
  checkCounts({ workers, threads, maxBatch, rateLimit });
  const { startServer: start } = await import('./serve/server.ts');
  const server = await start({
    ...rest,
    inference: {
      ...(workers === undefined ? {} : { workers }),
      ...(threads === undefined ? {} : { threads }),
      ...(maxBatch === undefined ? {} : { maxBatch }),
      ...(runtime === undefined ? {} : { runtime }),
    },
    access: { apiKey, cors, rateLimit },
  });
  const first = server.registry.resolve();
  const others = server.registry.all().filter((model) => model !== first);
  return {
    url: server.url,
    models: [first, ...others].map(({ name, version }) => `${name}@${version}`),
    close: () => server.close(),
  };
}

/** Runs so many tasks at a time; the others wait for their turn. */
class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(atATime: number) {
    this.#free = atATime;
  }

  async take<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      // The turn is handed on, or nobody has it.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}

async function readBytes(image: string | URL): Promise<Uint8Array> {
  if (image instanceof URL && image.protocol !== 'file:') {
    const { fetchPicture } = await import('./core/image/fetch-picture.ts');
    return fetchPicture(image);
  }
  if (typeof image === 'string' && /^https?:\/\//i.test(image)) {
    throw new UserError(`${image} is an address and no file; give it as new URL(...)`);
  }
  const [{ readPictureFile }, { fileURLToPath }] = await Promise.all([
    import('./core/image/picture-file.ts'),
    import('node:url'),
  ]);
  return readPictureFile(typeof image === 'string' ? image : fileURLToPath(image));
}

/** Typed arrays read undefined past their end, which would pass for black. */
function checkPixels(image: PixelImage, source: string): PixelImage {
  const { data, width, height, channels } = image;
  const whole = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  if (!whole || (channels !== 3 && channels !== 4) || data?.length !== width * height * channels) {
    throw new UserError(
      `${source} must have width x height x channels bytes, 3 or 4 channels, interleaved; not ${data?.length} for ` +
        `${width} x ${height} x ${channels}`,
    );
  }
  return image;
}

/** The names of an object's properties; the compiler sees that none is missing. */
type Names<T> = Record<keyof T, true>;

const DATASET_OPTIONS: Names<DatasetOptions> = {
  dataset: true,
  data: true,
  imageSize: true,
  valShare: true,
  seed: true,
  skipBroken: true,
  onProgress: true,
  onNote: true,
};
const WEIGHTS_OPTIONS: Names<WeightsChoice> = {
  run: true,
  weights: true,
  model: true,
  checkpoint: true,
  dataset: true,
  labels: true,
  key: true,
};
const EXPORT_OPTIONS: Names<ExportOptions> = {
  out: true,
  precision: true,
  opset: true,
  batch: true,
  layout: true,
  preprocess: true,
  topK: true,
  externalData: true,
  calibration: true,
  reduceRange: true,
  verifyImages: true,
  keepBatchNorm: true,
  licence: true,
  data: true,
  recorded: true,
  skipBroken: true,
  onNote: true,
  onProgress: true,
};
const CONVERT_OPTIONS: Names<Omit<ConvertOptions, 'input' | 'output'>> = {
  model: true,
  key: true,
  dataset: true,
  data: true,
  labels: true,
};
const CLASSIFIER_OPTIONS: Names<ClassifierOptions> = {
  preprocessing: true,
  workers: true,
  threads: true,
  maxBatch: true,
  runtime: true,
};
const EVALUATE_OPTIONS: Names<EvaluateOptions> = {
  batchSize: true,
  limit: true,
  model: true,
  apiKey: true,
  onProgress: true,
};
const SERVER_OPTIONS: Names<ServerOptions> = {
  models: true,
  folder: true,
  preprocessing: true,
  reloadSeconds: true,
  port: true,
  host: true,
  workers: true,
  threads: true,
  maxBatch: true,
  runtime: true,
  apiKey: true,
  cors: true,
  rateLimit: true,
  logLevel: true,
};

/** @throws UserError naming an option that there is not, as one that is spelled otherwise: it would have no effect */
function checkNames(of: string, options: object, names: Readonly<Record<string, true>>): void {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(names, name));
  if (unknown === undefined) return;
  const near = nearest(unknown, Object.keys(names));
  const hint = near === undefined ? `it has ${Object.keys(names).join(', ')}` : `did you mean ${near}?`;
  throw new UserError(`${of} has no option ${JSON.stringify(unknown)}; ${hint}`);
}

/** @throws UserError naming an option that is given and is no whole number from 1 on */
function checkCounts(options: Record<string, number | undefined>): void {
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 1)) {
      throw new UserError(`${name} is a whole number from 1 on, not ${value}`);
    }
  }
}

function isList(images: ImageInput | readonly ImageInput[]): images is readonly ImageInput[] {
  return Array.isArray(images);
}

function exported(result: {
  path: string;
  files: string[];
  bytes: number;
  metadata: { labels: string[]; precision?: Precision };
  accuracy?: ModelAccuracy | undefined;
  agreement: Agreement;
  quantization?: QuantizeReport | undefined;
  notes: string[];
}): ExportedModel {
  const { path: file, files, bytes, metadata, accuracy, agreement, quantization, notes } = result;
  const { labels, precision = 'fp32' } = metadata;
  return {
    ...{ file, files, bytes, precision, labels, agreement, notes },
    ...(accuracy && { accuracy }),
    ...(quantization && { quantization }),
  };
}
