import { UserError } from '../core/errors.ts';
import type { ClassifierMetadata } from '../core/model-metadata.ts';
import { MAX_OPSET, MIN_OPSET } from '../core/onnx/opset.ts';
import type { ExportOptions } from './options.ts';

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
