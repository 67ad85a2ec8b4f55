import * as ort from 'onnxruntime-node';
import type { ImageDataset, ImageSplit } from '../data/dataset.ts';
import { ClassificationMetrics } from '../metrics/classification-metrics.ts';
import type { ModelAccuracy } from '../model-metadata.ts';
import type { Graph } from '../onnx/graph.ts';
import { encodeModel } from '../onnx/model-file.ts';
import { foldBatchNorm } from '../onnx/passes/fold-batch-norm.ts';
import { evaluationBatches } from '../preprocess/evaluation-batches.ts';

export interface EvaluateOptions {
  batchSize?: number;
  threads?: number;
  onProgress?: (images: number) => void;
  /** Checked between batches; true stops early with what was counted so far. */
  shouldStop?: () => boolean;
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

/** Measures a model file's bytes on a split, as {@link evaluateGraph} does. */
export async function evaluateModelBytes(
  bytes: Uint8Array,
  dataset: Pick<ImageDataset, 'normalization' | 'labels'>,
  split: ImageSplit,
  options: EvaluateOptions = {},
): Promise<ModelAccuracy> {
  const { batchSize = 100, threads } = options;
  const session = await ort.InferenceSession.create(bytes, threads ? { intraOpNumThreads: threads } : {});
  const [input] = session.inputMetadata;
  const metrics = new ClassificationMetrics(dataset.labels.length);
  try {
    if (!input?.isTensor) throw new Error('the model has no tensor input');
    const imageDims = input.shape.slice(1).map(Number);
    let done = 0;
    for (const batch of evaluationBatches(split, dataset.normalization, batchSize)) {
      if (options.shouldStop?.()) break;
      const images = new ort.Tensor('float32', batch.images, [batch.size, ...imageDims]);
      const result = await session.run({ [input.name]: images });
      metrics.add(result[session.outputNames[0]!]!.data as Float32Array, batch.labels, batch.size);
      done += batch.size;
      options.onProgress?.(done);
    }
  } finally {
    await session.release();
  }
  return metrics.result();
}
