import { extname } from 'node:path';
import { errorMessage, UserError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/fs/atomic-write.ts';
import { type FittedModel, fitModel } from '../../core/weights/fit-model.ts';
import {
  describeWeights,
  type LoadedWeights,
  loadWeights,
  type WeightsFormat,
} from '../../core/weights/load-weights.ts';
import { encodeSafetensors } from '../../core/weights/safetensors.ts';
import { exportModel } from '../export-model.ts';
import { sourceOf } from '../sources/weights-source.ts';

export interface ConvertOptions {
  /** A .pth, .safetensors or .onnx file. */
  input: string;
  /** A .safetensors or .onnx file; an existing one is replaced. */
  output: string;
  /** The zoo's name; left out: found by the tensors. */
  model?: string | undefined;
  /** The entry of a PyTorch checkpoint that is the state dict; left out: found by the usual names. */
  key?: string | undefined;
  /** For .onnx, what the weights were trained on; default: what the input says, else `cifar100`. */
  dataset?: string | undefined;
  /** Where that dataset is, for its label names. */
  data?: string | undefined;
  /** A file of label names, instead of the dataset's. */
  labels?: string | undefined;
}

export interface ConvertResult {
  from: WeightsFormat;
  to: 'safetensors' | 'onnx';
  /** Undefined if the tensors are of no model of the zoo. */
  model: string | undefined;
  /** Why they are of none. */
  reason?: string | undefined;
  /** What else is to be told, a line each. */
  remarks: string[];
  /** Tensors, and values in them. */
  tensors: number;
  values: number;
  /** True if batch norm is folded into the convs of the input. */
  folded: boolean;
  /** Size of the output. */
  bytes: number;
}

/**
 * Converts weights between formats, the input known by its content, the output by its extension. To
 * safetensors the float32 bits stay as they are, under torchvision's names; of a net of the zoo just its own
 * tensors are written, of any other all. To ONNX, the model is built,
 * batch norm folded and the file verified as an export of a training run is.
 * @throws UserError if the input cannot be read, does not fit the model, or the output cannot be written
 */
export async function convertWeights(options: ConvertOptions): Promise<ConvertResult> {
  const { input, output } = options;
  const to = outputFormat(output);
  const weights = await loadWeights(input, { key: options.key });
  if (to === 'onnx' && weights.format === 'onnx') throw new UserError(`${input} is an ONNX model already`);
  return to === 'onnx' ? toOnnx(weights, options) : toSafetensors(weights, options);
}

function outputFormat(path: string): 'safetensors' | 'onnx' {
  const extension = extname(path).toLowerCase();
  if (extension === '.safetensors') return 'safetensors';
  if (extension === '.onnx') return 'onnx';
  const hint =
    extension === '.pth' || extension === '.pt'
      ? '; PyTorch reads .safetensors with safetensors.torch.load_file'
      : '';
  throw new UserError(`${path} must end in .safetensors or .onnx${hint}`);
}

async function toOnnx(weights: LoadedWeights, options: ConvertOptions): Promise<ConvertResult> {
  const { source, folded, beside } = await sourceOf(weights, options.input, options);
  const counts = count(weights, beside);
  const { metadata, bytes } = await exportModel(source, { out: options.output, data: options.data });
  const remarks = describeWeights(weights, beside);
  return { ...counts, remarks, to: 'onnx', model: metadata.model, folded, bytes };
}

async function toSafetensors(weights: LoadedWeights, options: ConvertOptions): Promise<ConvertResult> {
  const { output } = options;
  const fitted = fit(weights, options);
  const isNet = typeof fitted === 'object';
  const beside = isNet ? fitted.beside : [];
  const tensors = new Map([...weights.tensors].filter(([name]) => !beside.includes(name)));
  // `progress` makes a checkpoint that training can go on from, which needs the optimiser's state too.
  const { progress: _, ...carried } = weights.metadata;
  const metadata = { ...carried, format: 'pt', ...(isNet ? { model: fitted.model } : {}) };
  const bytes = encodeSafetensors({ tensors, metadata });
  try {
    await writeFileAtomic(output, bytes);
  } catch (error) {
    throw new UserError(`cannot write ${output}: ${errorMessage(error)}`);
  }
  return {
    ...count(weights, beside),
    ...{ to: 'safetensors', bytes: bytes.length, remarks: describeWeights(weights, beside) },
    ...(isNet
      ? { model: fitted.model, folded: fitted.folded }
      : { model: undefined, folded: false, reason: fitted }),
  };
}

/**
 * Weights of no model of the zoo may still be converted, unless one was named.
 * @returns or why they are of none
 */
function fit({ tensors, left }: LoadedWeights, options: ConvertOptions): FittedModel | string {
  try {
    return fitModel(tensors, options.input, { model: options.model, left });
  } catch (error) {
    if (options.model !== undefined || !(error instanceof UserError)) throw error;
    return error.message;
  }
}

function count(
  { format, tensors }: LoadedWeights,
  beside: readonly string[],
): Pick<ConvertResult, 'from' | 'tensors' | 'values'> {
  const own = [...tensors].filter(([name]) => !beside.includes(name));
  return {
    from: format,
    tensors: own.length,
    values: own.reduce((sum, [, { data }]) => sum + data.length, 0),
  };
}
