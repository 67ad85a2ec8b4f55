import type { Precision } from '../../../core/model-metadata.ts';
import type { Graph } from '../../../core/onnx/graph.ts';

/** By where most of the weights are: scales and biases of a quantised model are float32 too. */
export function precisionOf(graph: Graph): Precision {
  const sizes = { fp32: 0, fp16: 0, int8: 0 };
  for (const { dtype, data } of graph.initializers.values()) {
    if (dtype === 'float32') sizes.fp32 += data.length;
    else if (dtype === 'float16') sizes.fp16 += data.length;
    else if (dtype === 'int8' || dtype === 'uint8') sizes.int8 += data.length;
  }
  const [most] = Object.entries(sizes).sort(([, a], [, b]) => b - a);
  return most![0] as Precision;
}

/** Weights only: shapes and other integer constants are none. */
export function countWeights(graph: Graph): number {
  let count = 0;
  for (const { dtype, data } of graph.initializers.values()) {
    if (dtype === 'float32' || dtype === 'float16' || dtype === 'int8' || dtype === 'uint8') {
      count += data.length;
    }
  }
  return count;
}
