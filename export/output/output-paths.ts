import { join } from 'node:path';
import { UserError } from '../../core/errors.ts';
import { isFolder, isOtherThanFile, readRegularFile } from '../../core/fs/regular-file.ts';
import type { Agreement, ClassifierMetadata } from '../../core/model-metadata.ts';
import type { ExportOptions, ModelFacts } from '../options.ts';
import type { QuantizeReport } from '../quantize/options.ts';

/** In every card, so that no other file is taken for one and overwritten. */
export const CARD_MARK = '<!-- model card of onnx-classifier: npm run export -->';

export interface ExportResult extends ModelFacts {
  /** The model file, and all files written, it included. */
  path: string;
  files: string[];
  /** Size of the model, with its external data. */
  bytes: number;
  opset: number;
  irVersion: number;
  /** The verification's largest difference of a logit, relative to the largest logit; or of a probability. */
  maxDifference: number;
  metadata: ClassifierMetadata;
  /** Of the best classes with the float32 original; what it was measured on is in it. */
  agreement: Agreement;
  quantization?: QuantizeReport | undefined;
  /** Whether batch norm is in it as it was trained, so that it can be trained further. */
  keepsBatchNorm?: boolean;
}

/** The files of an export. */
export interface OutputPaths {
  model: string;
  /** The weights, where they are not in the model. */
  data: string;
  labels: string;
  card: string;
}

/**
 * Where a model is exported to by default: `exports/<model>.onnx`, with what makes it differ from a plain float32
 * model in the name (`exports/resnet50-fp16.onnx`).
 */
export function defaultOutput(model: string, options: ExportOptions = {}): string {
  const { precision = 'fp32', layout = 'nchw', preprocess = false, batch } = options;
  const suffixes = [
    precision === 'fp32' ? '' : `-${precision}`,
    preprocess ? '-preprocess' : layout === 'nhwc' ? '-nhwc' : '',
    batch === undefined ? '' : `-batch${batch}`,
  ];
  return join('exports', `${model}${suffixes.join('')}.onnx`);
}

/** The files that belong to a model file. */
export function outputPaths(model: string): OutputPaths {
  const stem = model.replace(/\.onnx$/i, '');
  return { model, data: `${model}.data`, labels: `${stem}.labels.txt`, card: `${stem}.md` };
}

/**
 * Refuses, before any work is done, what could not be put in place or would destroy something of the user's.
 * @throws UserError if the model's path is a folder, or a file is in the card's place that is no card
 */
export async function checkOutput({ model, card }: OutputPaths): Promise<void> {
  if (await isFolder(model)) {
    throw new UserError(`cannot write ${model}: it is a folder; give another file with --out`);
  }
  const old = await readRegularFile(card).catch(() => undefined);
  if ((old !== undefined && !old.includes(CARD_MARK)) || (await isOtherThanFile(card))) {
    throw new UserError(
      `cannot write the model card ${card}: a file of another kind is there; give another file with --out`,
    );
  }
}
