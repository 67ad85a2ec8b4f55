import { type Dim, type Graph, sizeOf } from '../../core/onnx/graph.ts';
import { Random } from '../../core/random.ts';

export interface RandomBatch {
  images: Float32Array;
  imageDims: number[];
  /** A distribution over the classes for each image. */
  targets: Float32Array;
}

/** Images of normally distributed values and even targets, of the model's shapes; the same every time. */
export function randomBatch(model: Graph, batchSize: number): RandomBatch {
  const withBatch = (dims: readonly Dim[]) => dims.map((dim) => (typeof dim === 'number' ? dim : batchSize));
  const imageDims = withBatch(model.inputs[0]!.dims);
  const targetDims = withBatch(model.outputs[0]!.dims);
  const random = new Random(1);
  return {
    images: Float32Array.from({ length: sizeOf(imageDims) }, () => random.normal()),
    imageDims,
    targets: new Float32Array(sizeOf(targetDims)).fill(1 / targetDims[1]!),
  };
}
