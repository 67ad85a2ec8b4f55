import type { CommandSpec, ParsedOptions } from '../core/cli/options.ts';
import { DATASET_NAMES } from '../core/data/load.ts';
import { UserError } from '../core/errors.ts';
import { PRECISIONS, type Precision } from '../core/model-metadata.ts';
import { MODEL_NAMES } from '../core/models/zoo.ts';
import { MAX_OPSET, MIN_OPSET, OPSET_VERSION } from '../core/onnx/opset.ts';
import {
  CHECKPOINT_CHOICES,
  type CheckpointChoice,
  type ExportOptions,
  LAYOUT_CHOICES,
  type LayoutChoice,
  TARGETS,
  type Target,
} from './options.ts';
import {
  CALIBRATION_METHODS,
  type CalibrationMethod,
  DEFAULT_CALIBRATION_IMAGES,
  DEFAULT_METHOD,
} from './quantize/options.ts';
import type { SourceQuery } from './sources/choose-source.ts';

const OPTIONS = {
  model: {
    type: 'string',
    value: 'NAME',
    help: 'model whose newest run is exported, or the embedded model of that name; left out: the newest run of any',
    choices: MODEL_NAMES,
  },
  run: { type: 'string', value: 'DIR', help: 'the run to export; left out: the newest under runs/' },
  weights: {
    type: 'string',
    value: 'FILE',
    help: 'export weights of a .pth, .safetensors or .onnx file instead of a run',
  },
  checkpoint: {
    type: 'string',
    value: 'NAME',
    help: 'weights of the best evaluation, or the newest ones',
    default: 'best',
    choices: CHECKPOINT_CHOICES,
  },
  out: {
    type: 'string',
    value: 'FILE',
    help: 'the file to write, labels and model card go beside it; left out: exports/<model>[-<variant>].onnx',
  },
  precision: {
    type: 'string',
    value: 'NAME',
    help: 'what the graph computes in; inputs and outputs stay float32',
    default: 'fp32',
    choices: PRECISIONS,
  },
  opset: {
    type: 'integer',
    help: `version of the ONNX operator set, ${MIN_OPSET} to ${MAX_OPSET}; left out: ${OPSET_VERSION}, with --foreign the model's own`,
  },
  batch: { type: 'string', value: 'N', help: 'the one batch size, or dynamic for any', default: 'dynamic' },
  layout: {
    type: 'string',
    value: 'NAME',
    help: 'dimensions of the float input; left out: nchw',
    choices: LAYOUT_CHOICES,
  },
  preprocess: {
    type: 'boolean',
    help: 'normalise and rank inside the graph: uint8 NHWC pixels in, probabilities and indices of the best classes out',
  },
  'top-k': { type: 'integer', help: 'with --preprocess: how many classes come out; left out: 5', min: 1 },
  'external-data': {
    type: 'boolean',
    help: 'keep the weights in FILE.data beside the model; over 2 GB that is done anyway',
  },
  calibration: {
    type: 'string',
    value: 'NAME',
    help: `for int8: how activation ranges are chosen; left out: ${DEFAULT_METHOD}`,
    choices: CALIBRATION_METHODS,
  },
  'calibration-images': {
    type: 'integer',
    help: `for int8: how many training images show the ranges; left out: ${DEFAULT_CALIBRATION_IMAGES}`,
    min: 1,
  },
  'reduce-range': {
    type: 'boolean',
    help: 'for int8: 7-bit weights, for processors without VNNI, which have fast kernels for no more',
  },
  'verify-images': {
    type: 'integer',
    help: "how many of the dataset's test images are compared with float32; left out: for fp16 and int8 as the size of the model allows, 6 random images for fp32",
    min: 1,
  },
  licence: { type: 'string', help: 'licence of the weights, for the model card' },
  target: {
    type: 'string',
    value: 'NAME',
    help: 'write what another program needs too, into the folder <out>-<target>',
    choices: TARGETS,
  },
  'storage-uri': {
    type: 'string',
    value: 'URI',
    help: 'with --target kserve: where the model repository will be; left out: pvc://models/model-repository',
  },
  foreign: {
    type: 'string',
    value: 'FILE|FOLDER',
    help: 'write an .onnx classifier of another program, a file or a folder as Hugging Face lays it out, as one of ours, instead of a trained model',
  },
  preprocessing: {
    type: 'string',
    value: 'FILE',
    help: 'with --foreign: how to prepare images for it, as JSON; left out: the .json beside it',
  },
  dataset: {
    type: 'string',
    value: 'NAME',
    help: 'only a run on this dataset; with --weights: what they were trained on',
    choices: DATASET_NAMES,
  },
  data: {
    type: 'string',
    value: 'DIR',
    help: 'where the dataset is, for label names, calibration and comparison; else CIFAR100_DIR, else ./data',
  },
  'skip-broken': {
    type: 'boolean',
    help: 'leave out images to calibrate and compare on that cannot be read, and say so',
    default: false,
  },
  labels: {
    type: 'string',
    value: 'FILE',
    help: "with --weights: label names, one a line or a JSON list, instead of the dataset's",
  },
  key: {
    type: 'string',
    value: 'NAME',
    help: "with --weights: a PyTorch checkpoint's entry with the weights",
  },
} as const;

/** The options of `npm run export`. */
export const exportCommand: CommandSpec<typeof OPTIONS> = {
  name: 'export',
  summary:
    'Writes a trained model as an ONNX file with labels and a model card, checked with onnxruntime before it is put in place.',
  options: OPTIONS,
};

/**
 * What the options say to export, and how.
 * @throws UserError if the batch size is none, or options do not go together
 */
export function readOptions({ options }: { options: ParsedOptions<typeof OPTIONS> }): {
  query: SourceQuery;
  options: ExportOptions;
  /** Of its files in int8, where the target has files of all precisions. */
  forTarget: ExportOptions;
  target: Target | undefined;
  storageUri: string | undefined;
  foreign: { model: string; preprocessing: string | undefined } | undefined;
} {
  const { model, run, weights, dataset, data, labels, key, calibration, calibrationImages } = options;
  const checkpoint = options.checkpoint as CheckpointChoice;
  const calibrated = calibration !== undefined || calibrationImages !== undefined;
  const { foreign, preprocessing, storageUri } = options;
  if (foreign !== undefined && (model ?? run ?? weights) !== undefined) {
    throw new UserError('--foreign names the model; leave out --model, --run and --weights');
  }
  const misplaced = [
    ...(dataset === undefined ? [] : ['--dataset']),
    ...(labels === undefined ? [] : ['--labels']),
    ...(key === undefined ? [] : ['--key']),
    ...(checkpoint === 'best' ? [] : ['--checkpoint']),
  ];
  if (foreign !== undefined && misplaced.length > 0) {
    throw new UserError(
      `${misplaced[0]} is not of --foreign, whose JSON file says "dataset" and "labels"; leave it out`,
    );
  }
  if (preprocessing !== undefined && foreign === undefined) {
    throw new UserError('--preprocessing goes with --foreign; to put it into the graph give --preprocess');
  }
  if (storageUri !== undefined && options.target !== 'kserve') {
    throw new UserError('--storage-uri goes with --target kserve');
  }
  const target = options.target as Target | undefined;
  if (target === 'torchvision' && foreign !== undefined) {
    throw new UserError('--target torchvision is for nets of the zoo; leave out --foreign');
  }
  const inAllPrecisions = target === 'transformers.js';
  if (inAllPrecisions) refuseVariants(options);
  const forInt8: ExportOptions = {
    ...(calibrated
      ? {
          calibration: {
            images: calibrationImages ?? DEFAULT_CALIBRATION_IMAGES,
            method: calibration as CalibrationMethod | undefined,
          },
        }
      : {}),
    reduceRange: options.reduceRange,
  };
  return {
    target,
    storageUri,
    foreign: foreign === undefined ? undefined : { model: foreign, preprocessing },
    query: { model, run, weights, checkpoint, dataset, data, labels, key },
    options: {
      ...{ out: options.out, opset: options.opset, batch: batchOf(options.batch), data },
      skipBroken: options.skipBroken,
      precision: options.precision as Precision,
      layout: options.layout as LayoutChoice | undefined,
      ...{ preprocess: options.preprocess, topK: options.topK, externalData: options.externalData },
      ...(inAllPrecisions ? {} : forInt8),
      ...{ verifyImages: options.verifyImages, licence: options.licence },
    },
    forTarget: inAllPrecisions ? forInt8 : {},
  };
}

/** @throws UserError if the model would be another than transformers.js runs */
function refuseVariants(options: ParsedOptions<typeof OPTIONS>): void {
  const wrong = [
    ...(options.precision === 'fp32' ? [] : ['--precision']),
    ...(options.batch === 'dynamic' ? [] : ['--batch']),
    ...((options.layout ?? 'nchw') === 'nchw' ? [] : ['--layout']),
    ...(options.preprocess ? ['--preprocess'] : []),
    ...(options.externalData ? ['--external-data'] : []),
  ];
  if (wrong.length === 0) return;
  throw new UserError(
    `--target transformers.js has its own inputs, and files of all precisions; leave out ${wrong.join(', ')}`,
  );
}

function batchOf(text: string): number | undefined {
  if (text === 'dynamic') return undefined;
  const batch = Number(text);
  if (/^\d+$/.test(text) && batch >= 1 && batch <= 65_536) return batch;
  throw new UserError(`--batch is dynamic or a number from 1 to 65536, not "${text}"`);
}
