import type { Graph } from '../core/onnx/graph.ts';
import { foldBatchNorm } from '../core/onnx/passes/fold-batch-norm.ts';
import { inferShapes } from '../core/onnx/shape-inference.ts';

const BYTES_PER_VALUE = 4;

/**
 * Bytes that a forward pass moves for one image if every operator reads its inputs from memory and writes its
 * outputs there, batch norm folded; weights are shared by the batch.
 */
export function forwardTraffic(model: Graph, batchSize: number): number {
  const graph = foldBatchNorm(model);
  const shapes = inferShapes(graph);
  const batch = graph.inputs[0]!.dims[0];
  let values = 0;
  for (const node of graph.nodes) {
    for (const name of [...node.inputs, ...node.outputs]) {
      const dims = shapes.get(name)?.dims;
      if (!dims) continue;
      // A tensor with the batch in its shape is there once an image, one without once a batch.
      const perImage = dims.reduce<number>((size, dim) => (typeof dim === 'number' ? size * dim : size), 1);
      values += dims.includes(batch!) ? perImage : perImage / batchSize;
    }
  }
  return values * BYTES_PER_VALUE;
}
