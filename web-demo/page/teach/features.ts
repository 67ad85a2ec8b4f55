import type { Normalization } from '../../../core/data/dataset.ts';
import { type Graph, sizeOf } from '../../../core/onnx/graph.ts';
import { encodeModel } from '../../../core/onnx/model-file.ts';
import { foldBatchNorm } from '../../../core/onnx/passes/fold-batch-norm.ts';
import { Normalizer } from '../../../core/preprocess/normalize.ts';
import { openSession, tensor } from '../../../core/runtime/session.ts';
import { nextMessage } from '../worker/next-message.ts';
import '../worker/runtime.ts';
import type { Example } from './examples.ts';
import type { TrainingData } from './fit.ts';

const BATCH = 16;

/**
 * Runs a net up to its features, once for each picture.
 * @param features its batch may be fixed
 * @returns the features as training data
 * @throws AbortError if the signal is aborted
 */
export async function computeFeatures(
  features: Graph,
  examples: readonly Example[],
  normalization: Normalization,
  signal: AbortSignal,
  onProgress: (done: number) => void,
): Promise<TrainingData> {
  const normalizer = new Normalizer(normalization);
  const dims = features.inputs[0]!.dims.slice(1).map(Number);
  const imageLength = sizeOf(dims);
  const [input] = features.inputs as [Graph['inputs'][0]];
  const [batch] = input.dims;
  const count = typeof batch === 'number' ? batch : BATCH;
  const size = sizeOf(features.outputs[0]!.dims.slice(1).map(Number));
  const all = new Float32Array(examples.length * size);
  const session = await openSession(encodeModel(foldBatchNorm(features)));
  try {
    const images = new Float32Array(count * imageLength);
    for (let first = 0; first < examples.length; first += count) {
      signal.throwIfAborted();
      const some = examples.slice(first, first + count);
      some.forEach(({ pixels }, i) => {
        normalizer.planar(pixels, 0, images, i * imageLength, imageLength / 3);
      });
      const results = await session.run({ [input.name]: tensor(images, [count, ...dims]) });
      const values = results[features.outputs[0]!.name]!.data as Float32Array;
      all.set(values.subarray(0, some.length * size), first * size);
      onProgress(first + some.length);
      await nextMessage();
    }
  } finally {
    await session.release();
  }
  return {
    count: examples.length,
    length: size,
    labels: examples.map(({ label }) => label),
    write: (index, out, offset) => out.set(all.subarray(index * size, (index + 1) * size), offset),
  };
}
