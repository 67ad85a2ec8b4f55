import type { ImageDataset, ImageSplit } from '../data/dataset.ts';
import { errorMessage, UserError } from '../errors.ts';
import type { ModelAccuracy } from '../model-metadata.ts';
import type { Graph } from '../onnx/graph.ts';
import { encodeModel } from '../onnx/model-file.ts';
import { foldBatchNorm } from '../onnx/passes/fold-batch-norm.ts';
import { evaluationBatches } from '../preprocess/evaluation-batches.ts';
import { openInRuntime } from '../runtime/open-in-runtime.ts';
import type { RuntimeChoice } from '../runtime/runtimes.ts';
import { Tensor } from '../runtime/session.ts';
import { Tally } from './tally.ts';

export interface EvaluateOptions {
  batchSize?: number;
  threads?: number;
  /** What runs the model; default onnxruntime. */
  runtime?: RuntimeChoice;
  /** Called with a line on which runtime `auto` chose. */
  onNote?: (line: string) => void;
  /** Images done, and the top-1 of those. */
  onProgress?: (images: number, top1: number) => void;
  /** Counts, where more than the accuracy is wanted. */
  tally?: Tally;
}

/**
 * Measures a classifier on a split, in Node. The graph is run as it is exported, with batch norm folded, so
 * that the trainer's figures and the exported model's are those of one and the same computation.
 */
export async function evaluateGraph(
  graph: Graph,
  dataset: Pick<ImageDataset, 'normalization' | 'labels'>,
  split: ImageSplit,
  options: EvaluateOptions = {},
): Promise<ModelAccuracy> {
  return evaluateModelBytes(encodeModel(foldBatchNorm(graph)), dataset, split, options);
}

/**
 * Measures a model file's bytes on a split, as {@link evaluateGraph} does.
 * @throws UserError if the runtime cannot load the model
 */
export async function evaluateModelBytes(
  bytes: Uint8Array,
  dataset: Pick<ImageDataset, 'normalization' | 'labels'>,
  split: ImageSplit,
  options: EvaluateOptions = {},
): Promise<ModelAccuracy> {
  const { batchSize = 100, threads, runtime = 'onnxruntime' } = options;
  const { session, note } = await openInRuntime(runtime, bytes, { threads }).catch((error: unknown) => {
    if (error instanceof UserError) throw error;
    throw new UserError(`onnxruntime cannot load the model: ${errorMessage(error).split('\n')[0]}`);
  });
  if (note !== undefined) options.onNote?.(note);
  const [input] = session.inputMetadata;
  const tally = options.tally ?? new Tally(dataset.labels.length);
  try {
    if (!input?.isTensor) throw new Error('the model has no tensor input');
    const imageDims = input.shape.slice(1).map(Number);
    let done = 0;
    for (const batch of evaluationBatches(split, dataset.normalization, batchSize)) {
      const images = new Tensor('float32', batch.images, [batch.size, ...imageDims]);
      const result = await session.run({ [input.name]: images });
      const logits = result[session.outputNames[0]!]!.data as Float32Array;
      tally.add(logits, batch.labels, batch.size, done);
      done += batch.size;
      options.onProgress?.(done, tally.accuracy.top1);
    }
  } finally {
    await session.release();
  }
  return tally.accuracy;
}
