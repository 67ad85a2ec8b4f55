import * as z from 'zod/mini';
import { MODEL_NAMES } from '../../core/models/zoo.ts';
import { PROVIDER_NAMES } from '../engine/providers/providers.ts';
import { PRECISION_NAMES } from '../precision.ts';

export const OPTIMIZER_NAMES = ['sgd', 'adam', 'adamw'] as const;
export type OptimizerName = (typeof OPTIMIZER_NAMES)[number];
const SCHEDULE_NAMES = ['onecycle', 'cosine', 'multistep', 'constant'] as const;

/**
 * Every setting of a training, once: its name, its type and range, its default, its help and its flag. From here
 * come the type of a recipe, the options of all commands that train, and the parser of a run's config.json.
 *
 * zod/mini, of which the bundled commands load what they use: 6 ms of a start, where all of zod takes 60.
 */

/** How a setting is given on a command line, beside what its schema says of it. */
export interface Flag {
  help: string;
  /** Where it is not the setting's name with hyphens. */
  flag?: string;
  /** What stands for the value in `--help`. */
  value?: string;
  /** What other programs call it. */
  elsewhere?: readonly string[];
  /** What to do who wants none of its choices. */
  otherwise?: string;
  /** For lists: what the flag takes, and how its text is read; what it makes of other text the schema refuses. */
  list?: { takes: string; read: (text: string) => unknown };
}
export const FLAGS = z.registry<Flag>();

/** What runs the training steps: onnxruntime, or TensorFlow.js on the native TensorFlow library. */
const ENGINE_NAMES = ['ort', 'tfjs'] as const;

/**
 * Ways to augment single images: `none` takes them as they are, `standard` is random crop and flip, the others
 * are crop, flip and then a policy of image operations.
 */
const AUGMENT_NAMES = ['none', 'standard', 'autoaugment', 'randaugment', 'trivialaugment'] as const;

const whole = (min: number, max = Number.MAX_SAFE_INTEGER) => z.int().check(z.minimum(min), z.maximum(max));
const real = (min: number, max = Number.MAX_VALUE) => z.number().check(z.minimum(min), z.maximum(max));

const risingEpochs = z
  .array(whole(0))
  .check(
    z.refine((epochs) => epochs.every((epoch, i) => i === 0 || epoch > epochs[i - 1]!), 'the epochs rise'),
  );

/** Every stage of a CIFAR net halves the image twice at most; below this a 3x3 layer sees padding only. */
const SMALLEST_SIZE = 8;

/** Images of another size until a share of the epochs is done. */
const stage = z.strictObject({
  /** Height and width in pixels. */
  size: z
    .int()
    .check(
      z.refine(
        (size) => size >= SMALLEST_SIZE && size % 4 === 0,
        `a size is a multiple of 4 from ${SMALLEST_SIZE} pixels to below those of the whole image`,
      ),
    ),
  /** Share of the run's epochs at which the stage ends. */
  until: z.number(),
});
export type ProgressiveStage = z.output<typeof stage>;
const stages = z
  .array(stage)
  .check(
    z.refine(
      (list) => list.every(({ until }, i) => until > (list[i - 1]?.until ?? 0) && until < 1),
      'the shares rise and are above 0 and below 1',
    ),
  );

/** Of brightness, contrast, saturation and hue. */
const strengths = z
  .array(real(0))
  .check(
    z.refine(
      (list) => list.length <= 4 && (list[3] ?? 0) <= 0.5,
      'there are up to four strengths, and hue turns by half a turn at most',
    ),
  );

const weights = z.union(
  [z.literal('balanced'), z.array(real(0)), z.record(z.string(), real(0))],
  'balanced, a number from 0 a class, or numbers by name',
);

export const model = z.optional(z.enum(MODEL_NAMES as readonly [string, ...string[]])).register(FLAGS, {
  value: 'NAME',
  elsewhere: ['net', 'arch'],
  help: 'model of the zoo; default: by the number of cores',
  otherwise: 'any other net is trained from its .onnx, with --from FILE',
});

/** What a training goes on from, and how much of it. */
export const FINE_TUNING = {
  from: z.optional(z.string()).register(FLAGS, {
    value: 'FILE|FOLDER|NAME|RUN',
    help: 'begin with a trained model: an .onnx of anybody or a folder as Hugging Face lays it out, a .pth or .safetensors of a net of the zoo, the name of an embedded or fetched model, or the directory of a run; where its classes are others it gets a new head',
  }),
  head: z.optional(z.string()).register(FLAGS, {
    value: 'NODE',
    help: 'with --from: the layer that tells the classes apart, where it cannot be found from the graph',
  }),
  netSize: z.optional(whole(8, 1024)).register(FLAGS, {
    help: 'with --from: height and width that the net sees, where it takes several; images of another size are resized in the graph; default its own',
  }),
  enlarge: z._default(z.enum(['graph', 'loader']), 'graph').register(FLAGS, {
    value: 'NAME',
    help: 'with --from: where images of another size than the net sees are resized; graph: in the net, which goes on to take them as they are; loader: when they are loaded, and the trained net takes the size that it sees',
  }),
  headLr: z._default(real(0), 1).register(FLAGS, {
    help: "by what the head's learning rate is multiplied",
  }),
  lrDecay: z._default(real(0, 1), 1).register(FLAGS, {
    help: 'by what the learning rate is multiplied from layer to layer, from the head to the images',
  }),
  freeze: z._default(z.array(z.string()), []).register(FLAGS, {
    value: 'PATTERN,...',
    help: 'parameters that stay as they are: names, beginnings of names up to a dot, * for anything, e.g. layer1,layer2.*.conv1',
    list: {
      takes: 'names of parameters, e.g. layer1,conv1',
      read: (text) => text.split(',').filter(Boolean),
    },
  }),
  frontCache: z._default(z.enum(['auto', 'off']), 'auto').register(FLAGS, {
    value: 'NAME',
    help: 'auto: front layers that are frozen, batch norm too, are run once on each image where augmentation is none or a flip, and what they give is kept in memory',
  }),
  unfreezeAfter: z.optional(whole(1)).register(FLAGS, {
    value: 'EPOCHS',
    help: 'train all parameters after so many epochs; default: what --freeze names stays as it is',
  }),
  batchNorm: z._default(z.enum(['train', 'frozen']), 'train').register(FLAGS, {
    value: 'NAME',
    help: 'frozen: batch norm goes by its running statistics, which stay, as suits small batches of a trained net',
  }),
};

/** How long it is trained, in which steps, and how the learning rate changes. */
export const TRAINING = {
  epochs: z._default(whole(1), 30).register(FLAGS, { help: 'passes over the training images' }),
  batchSize: z._default(whole(1), 128).register(FLAGS, { help: 'images a step' }),
  optimizer: z._default(z.enum(OPTIMIZER_NAMES), 'sgd').register(FLAGS, {
    flag: 'optim',
    elsewhere: ['optimizer', 'optimiser', 'opt'],
    value: 'NAME',
    help: 'optimiser',
  }),
  /** The schedule's peak. */
  learningRate: z.optional(real(0)).register(FLAGS, {
    flag: 'lr',
    elsewhere: ['learning-rate', 'max-lr'],
    help: 'peak learning rate; default 0.1 for sgd, 0.001 for adam and adamw',
  }),
  momentum: z._default(real(0, 1), 0.9).register(FLAGS, { help: 'momentum of sgd' }),
  nesterov: z._default(z.boolean(), false).register(FLAGS, { help: 'Nesterov momentum' }),
  weightDecay: z.optional(real(0)).register(FLAGS, {
    help: 'L2 penalty (adamw: decoupled); default 0.0005 for sgd, 0 for adam, 0.01 for adamw',
  }),
  noBiasDecay: z._default(z.boolean(), false).register(FLAGS, {
    help: 'exempt biases and batch norm from weight decay',
  }),
  biasLr: z._default(real(0), 1).register(FLAGS, {
    elsewhere: ['bias-scaler'],
    help: "by what the learning rate of batch norm's and convolutions' biases is multiplied",
  }),
  clipNorm: z._default(real(0), 0).register(FLAGS, {
    help: "clip the gradient's L2 norm to this; 0: do not",
  }),
  emaDecay: z._default(real(0, 0.999999), 0).register(FLAGS, {
    flag: 'ema',
    elsewhere: ['ema-decay'],
    value: 'DECAY',
    help: 'evaluate and keep an exponential moving average of the weights; 0: none',
  }),
  schedule: z._default(z.enum(SCHEDULE_NAMES), 'onecycle').register(FLAGS, {
    value: 'NAME',
    help: 'how the learning rate changes',
  }),
  warmupFraction: z._default(real(0, 1), 0.1).register(FLAGS, {
    help: 'share of the run in which the rate rises (onecycle, cosine)',
  }),
  lrPerEpoch: z._default(z.boolean(), false).register(FLAGS, {
    help: 'change the rate once an epoch, as the reference recipe does, and not every step',
  }),
  cycleMomentum: z._default(z.boolean(), false).register(FLAGS, {
    help: "onecycle: momentum from 0.95 to 0.85 and back, whatever --momentum says (adam, adamw: beta1), as PyTorch's OneCycleLR does unless told not to",
  }),
  milestones: z.optional(risingEpochs).register(FLAGS, {
    value: 'E,E,...',
    help: 'epochs at which multistep lowers the rate; default at 50 % and 75 % of the run',
    list: { takes: 'rising epochs, e.g. 60,120,160', read: (text) => text.split(',').map(epochOf) },
  }),
  patience: z._default(whole(0), 0).register(FLAGS, {
    value: 'EPOCHS',
    elsewhere: ['early-stopping'],
    help: 'finish when so many epochs have passed without a better one; 0: never',
  }),
  evaluateEvery: z._default(whole(1), 1).register(FLAGS, {
    value: 'EPOCHS',
    elsewhere: ['eval-every', 'eval-interval', 'val-interval', 'validation-freq', 'check-val-every-n-epoch'],
    help: 'evaluate after every so many epochs, and after the last; the best is chosen of these',
  }),
  gamma: z._default(real(0, 1), 0.1).register(FLAGS, { help: 'by what multistep multiplies the rate' }),
  classWeights: z.optional(weights).register(FLAGS, {
    value: 'balanced|W,...|NAME=W,...',
    elsewhere: ['class-weight', 'weights'],
    help: 'how much an image of each class counts: balanced, so that all classes count alike; a number a class in their order; or of some by name, the others 1',
    list: {
      takes: 'balanced, a number a class, or NAME=W,... of some, e.g. cat=2,dog=0.5',
      read: weightsOf,
    },
  }),
  labelSmoothing: z._default(real(0, 1), 0).register(FLAGS, { help: 'probability spread over all classes' }),
  teacher: z.optional(z.string()).register(FLAGS, {
    value: 'FILE|NAME|RUN',
    elsewhere: ['distill', 'teacher-model'],
    help: 'a model of the same classes to learn from: what it says of each image and its mirror image is part of the targets; an .onnx of any precision, a checkpoint, the name of an embedded model, or the directory of a run',
  }),
  teacherWeight: z._default(real(0, 1), 0.9).register(FLAGS, {
    help: 'share of the targets that --teacher has; the labels have the rest',
  }),
};

export const AUGMENTATION = {
  augment: z._default(z.enum(AUGMENT_NAMES), 'standard').register(FLAGS, {
    value: 'NAME',
    help: 'per image: standard is crop and flip, the last three a policy of operations after them',
  }),
  crop: z._default(whole(0), 4).register(FLAGS, { help: 'padding of the random crop in pixels; 0: none' }),
  resizedCrop: z._default(real(0, 1), 0).register(FLAGS, {
    value: 'SHARE',
    elsewhere: ['random-resized-crop', 'scale-min'],
    help: "instead of --crop: a window of this share of the image's area or more, of random shape, resized to the whole (torchvision's RandomResizedCrop has 0.08); 0: none",
  }),
  flip: z._default(z.boolean(), true).register(FLAGS, { help: 'random horizontal flip' }),
  alternateFlip: z._default(z.boolean(), false).register(FLAGS, {
    help: 'flip the half of the images that was not flipped in the epoch before, so that two epochs have each image both ways',
  }),
  colorJitter: z._default(strengths, []).register(FLAGS, {
    value: 'B,C,S,H',
    elsewhere: ['jitter'],
    help: "torchvision's ColorJitter: how far brightness, contrast, saturation and hue change, e.g. 0.4,0.4,0.4,0.1; default none",
    list: {
      takes: 'up to four strengths from 0, that of hue 0.5 at most, e.g. 0.4,0.4,0.4,0.1',
      read: (text) => text.split(',').map(numberOf),
    },
  }),
  randomErasing: z._default(real(0, 1), 0).register(FLAGS, {
    value: 'P',
    help: 'probability that a rectangle of an image is erased',
  }),
  cutmixProb: z._default(real(0, 1), 0).register(FLAGS, {
    value: 'P',
    help: 'probability that a batch is mixed by CutMix',
  }),
  cutmixBeta: z._default(real(0), 1).register(FLAGS, {
    flag: 'beta',
    elsewhere: ['cutmix-beta'],
    help: "CutMix's lambda is drawn from Beta(N, N); 0: no CutMix",
  }),
  mixupAlpha: z._default(real(0), 0).register(FLAGS, {
    help: "MixUp's lambda is drawn from Beta(N, N), for batches that CutMix leaves alone; 0: no MixUp",
  }),
};

export const seed = z._default(whole(0), 42).register(FLAGS, {
  help: 'decides weights, order and augmentation',
});

export const trainImages = z.optional(whole(1)).register(FLAGS, { help: 'train on the first N images only' });

export const progressive = z._default(stages, []).register(FLAGS, {
  value: 'SIZE:SHARE,...',
  help: 'train on images of SIZE pixels until that share of the epochs is done, then on whole ones, e.g. 16:0.3,24:0.6',
  list: { takes: 'SIZE:SHARE,..., e.g. 16:0.3,24:0.6', read: (text) => text.split(',').map(stageOf) },
});

export const plainEpochs = z._default(whole(0), 0).register(FLAGS, {
  value: 'EPOCHS',
  elsewhere: ['no-aug-epochs', 'close-mosaic'],
  help: 'of the last so many epochs images are cropped and flipped only, so that weights and batch norm end on such as the net is asked about',
});

/** How the work is spread over the machine. */
export const MACHINE = {
  engine: z._default(z.enum(ENGINE_NAMES), 'ort').register(FLAGS, {
    value: 'NAME',
    help: 'what trains: onnxruntime, or TensorFlow.js, which npm run setup:tensorflow sets up; where it is, a training of some minutes takes the faster by trial steps, in bf16 too unless --precision says otherwise',
  }),
  provider: z._default(z.enum(PROVIDER_NAMES), 'cpu').register(FLAGS, {
    value: 'NAME',
    help: 'execution provider of onnxruntime (ort only); where it cannot be used, the cpu trains',
  }),
  precision: z._default(z.enum(PRECISION_NAMES), 'fp32').register(FLAGS, {
    value: 'NAME',
    help: 'fp16: convolutions and matrix products in float16, with a dynamic loss scale (ort only); bf16: convolutions and large matrix products in bfloat16 (tfjs only)',
  }),
  stepsPerCall: z.optional(whole(1, 1024)).register(FLAGS, {
    help: 'steps run in one call of onnxruntime; default 16 with cuda, else 1',
  }),
  replicas: z.optional(whole(1)).register(FLAGS, {
    help: 'threads that each train on a share of the batch; default: one a core for small nets; ort only',
  }),
  accumulate: z._default(whole(1), 1).register(FLAGS, {
    help: 'work through a batch in so many parts and sum the gradients, to need less memory',
  }),
  threads: z.optional(whole(1)).register(FLAGS, { help: 'threads of an operator; default: one a core' }),
  workers: z._default(whole(1), 1).register(FLAGS, { help: 'threads that make batches' }),
};

/** All settings by name. */
export const SETTINGS = {
  model,
  ...FINE_TUNING,
  ...TRAINING,
  ...AUGMENTATION,
  seed,
  trainImages,
  progressive,
  plainEpochs,
  ...MACHINE,
};
export const recipeSchema = z.strictObject(SETTINGS);

/** A way to train, in the settings that it says something of; all others are at their default. */
export type Recipe = z.input<typeof recipeSchema>;
/** A recipe with the defaults. */
export type Settings = z.output<typeof recipeSchema>;
export const DEFAULTS: Settings = z.parse(recipeSchema, {});

const { provider: _, stepsPerCall: __, threads: ___, workers: ____, ...DECIDING } = SETTINGS;
/** What a run's config.json states of its training; a setting that came later has its default in older runs. */
export const trainConfigSchema = z.strictObject({
  ...DECIDING,
  model: z.string(),
  dataset: z.string(),
  /** Images trained on an epoch; fewer than the split where `--train-images` says so. */
  trainImages: whole(1),
  learningRate: real(0),
  weightDecay: real(0),
  milestones: z._default(risingEpochs, []),
  /** Threads that each take a share of the batch; batch norm sees the share. */
  replicas: whole(1),
  /** Class names by index. */
  labels: z.array(z.string()),
});
/** Everything that decides a run's result. */
export type TrainConfig = z.output<typeof trainConfigSchema>;
export type EngineName = TrainConfig['engine'];
/** How the loader changes images. */
export type Augmentation = Pick<TrainConfig, keyof typeof AUGMENTATION>;

/** Number('') would be epoch 0. */
function epochOf(text: string): number {
  return /^\s*\d+\s*$/.test(text) ? Number(text) : Number.NaN;
}

function stageOf(text: string): ProgressiveStage | undefined {
  const match = /^\s*(\d+):(\d*\.?\d+)\s*$/.exec(text);
  return match ? { size: Number(match[1]), until: Number(match[2]) } : undefined;
}

/** Number('') would be 0. */
function numberOf(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}

function weightsOf(text: string): unknown {
  if (text === 'balanced') return text;
  const parts = text.split(',');
  if (!text.includes('=')) return parts.map(numberOf);
  // A name may hold an `=`, a number does not.
  return Object.fromEntries(
    parts.map((part) => {
      const at = part.lastIndexOf('=');
      return [part.slice(0, Math.max(0, at)).trim(), numberOf(part.slice(at + 1))];
    }),
  );
}
