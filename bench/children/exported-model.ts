import type { Graph } from '../../core/onnx/graph.ts';
import { foldBatchNorm } from '../../core/onnx/passes/fold-batch-norm.ts';
import { quantizeModel } from '../../export/quantize/quantize-model.ts';
import { randomBatch } from './random-batch.ts';

/** What is measured of the exporter's precisions; `int7` is `--precision int8 --reduce-range`. */
export type MeasuredPrecision = 'fp32' | 'int8' | 'int7';

/**
 * A net of the zoo as the exporter writes it. Speed does not depend on the weights, so they are the initial
 * ones, and int8 is calibrated on noise.
 */
export async function exportedModel(
  model: Graph,
  precision: MeasuredPrecision,
  batchSize: number,
  threads: number,
): Promise<Graph> {
  const float = foldBatchNorm(model);
  if (precision === 'fp32') return float;
  const batches = () => [{ images: randomBatch(float, batchSize).images, size: batchSize }];
  const options = { batches, method: 'minmax', threads: threads || undefined } as const;
  return (await quantizeModel(float, { ...options, reduceRange: precision === 'int7' })).graph;
}
