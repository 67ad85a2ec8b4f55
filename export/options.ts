import { UserError } from '../core/errors.ts';
import type { ClassifierMetadata, ModelAccuracy, Precision } from '../core/model-metadata.ts';
import { MAX_OPSET, MIN_OPSET } from '../core/onnx/opset.ts';
import type { CalibrationMethod } from './quantize/options.ts';

/** The two checkpoints a run keeps: of its best evaluation, and of its newest weights. */
export const CHECKPOINT_CHOICES = ['best', 'last'] as const;
export type CheckpointChoice = (typeof CHECKPOINT_CHOICES)[number];

export const LAYOUT_CHOICES = ['nchw', 'nhwc'] as const;
export type LayoutChoice = (typeof LAYOUT_CHOICES)[number];

/** What other programs a model can be prepared for; see `targets/`. */
export const TARGETS = ['triton', 'kserve', 'openvino', 'transformers.js', 'torchvision'] as const;
export type Target = (typeof TARGETS)[number];
/** Most images a target's server runs at once, unless asked otherwise. */
export const TARGET_BATCH = 64;

/** How a model file is to be; all may be left out. */
export interface ExportOptions {
  /** Path of the .onnx file; default under `exports/`, see `defaultOutput`. An existing file is replaced. */
  out?: string | undefined;
  /** What the graph computes in; default `fp32`. Inputs and outputs stay float32. */
  precision?: Precision | undefined;
  /** Version of ai.onnx; default 15. */
  opset?: number | undefined;
  /** The one batch size; left out: any. */
  batch?: number | undefined;
  /** Of the float input; default `nchw`. */
  layout?: LayoutChoice | undefined;
  /** Puts preprocessing and ranking into the graph: uint8 NHWC pixels in, the best `topK` classes out. */
  preprocess?: boolean | undefined;
  /** Default 5, or all classes if they are fewer. */
  topK?: number | undefined;
  /** Keeps the weights in `<file>.data`; done in any case where the model would be over 2 GB. */
  externalData?: boolean | undefined;
  /** For int8: how many training images, and how ranges are chosen from what they cause. */
  calibration?: { images: number; method?: CalibrationMethod | undefined } | undefined;
  /** For int8: 7-bit weights; see `quantize/options.ts`. */
  reduceRange?: boolean | undefined;
  /** Images that fp16 and int8 are compared with float32 on; default by the model's size. */
  verifyImages?: number | undefined;
  /** Batch norm is kept as it is, for a model that is to be trained further; onnxruntime folds it when it loads it. */
  keepBatchNorm?: boolean;
  /** The licence of the weights, for the model card; default what the metadata says. */
  licence?: string | undefined;
  /** Where the dataset is, for calibration and comparison. */
  data?: string | undefined;
  /** Where it was when the model was trained: looked at where `data` is not given, if it is what it was. */
  recorded?: string | undefined;
  /** Images there that cannot be read are left out, instead of refusing the folder. */
  skipBroken?: boolean | undefined;
  /** Called with a line about those that are left out. */
  onNote?: ((line: string) => void) | undefined;
  onProgress?: ((task: 'calibrate' | 'verify', done: number, total: number) => void) | undefined;
}

/** Where images to calibrate and to compare on come from. */
export type ImagePlace = Pick<ExportOptions, 'data' | 'recorded' | 'skipBroken' | 'onNote'>;

/** What a model card and a terminal say of the model, whatever it is exported as. */
export interface ModelFacts {
  /** How many it learned, as the trainer counts them; the file, with batch norm folded, has fewer. */
  parameters: number;
  /** Multiply-accumulates for one image, counted from the graph; undefined where they cannot be. */
  macs: number | undefined;
  accuracy?: ModelAccuracy | undefined;
}

/**
 * Refuses options that do not go together, or not with the model.
 * @throws UserError saying which, and what would do
 */
export function checkOptions({ labels }: ClassifierMetadata, options: ExportOptions): void {
  const { opset, preprocess = false, topK, layout, precision = 'fp32', calibration, reduceRange } = options;
  if (opset !== undefined && !(Number.isInteger(opset) && opset >= MIN_OPSET && opset <= MAX_OPSET)) {
    throw new UserError(`--opset is from ${MIN_OPSET} to ${MAX_OPSET}, not ${opset}`);
  }
  if (topK !== undefined && !preprocess) {
    throw new UserError('--top-k is of a model that ranks by itself; add --preprocess');
  }
  if (topK !== undefined && !(topK >= 1 && topK <= labels.length)) {
    throw new UserError(`--top-k is from 1 to the ${labels.length} classes of the model, not ${topK}`);
  }
  if (preprocess && layout === 'nchw') {
    throw new UserError('--preprocess takes pixels as images have them, NHWC; leave out --layout nchw');
  }
  if (calibration && precision !== 'int8') {
    throw new UserError('--calibration and --calibration-images are for int8; add --precision int8');
  }
  if (reduceRange && precision !== 'int8') {
    throw new UserError('--reduce-range is for int8; add --precision int8');
  }
}
