import * as ort from 'onnxruntime-node';
import { UserError } from '../../../core/errors.ts';
import { type Graph, sizeOf } from '../../../core/onnx/graph.ts';
import { encodeModel } from '../../../core/onnx/model-file.ts';
import { inferShapes } from '../../../core/onnx/shape-inference.ts';
import type { CalibrationBatch } from '../options.ts';
import { Histogram } from './histogram.ts';

/** Values that one run may hand over, in bytes: batches are cut so that they stay below. */
const RUN_BYTES = 64 * 2 ** 20;

/**
 * Runs a float32 graph on calibration images, with the named values as outputs, and gathers a histogram of
 * each. Memory does not grow with the number of images.
 * @returns the histograms, and how many images there were
 * @throws UserError if there are none, or a value is not finite
 */
export async function collectHistograms(
  graph: Graph,
  names: readonly string[],
  batches: Iterable<CalibrationBatch> | AsyncIterable<CalibrationBatch>,
  options: { threads?: number | undefined; onProgress?: ((images: number) => void) | undefined } = {},
): Promise<{ histograms: Map<string, Histogram>; images: number }> {
  const shapes = inferShapes(graph);
  const input = graph.inputs[0]!;
  const imageDims = input.dims.slice(1).map(Number);
  const computed = names.filter((name) => name !== input.name);
  const outputs = computed.map((name) => ({ name, ...shapes.get(name)! }));
  const valuesPerImage = outputs.reduce((sum, { dims }) => sum + sizeOf(dims.slice(1).map(Number)), 0);
  const perRun = Math.max(1, Math.floor(RUN_BYTES / (4 * valuesPerImage)));

  const histograms = new Map(names.map((name) => [name, new Histogram()]));
  const count = (name: string, values: Float32Array): void => {
    try {
      histograms.get(name)?.add(values);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new UserError(`cannot calibrate "${name}": ${error.message}; are the weights damaged?`);
    }
  };
  const session = await ort.InferenceSession.create(
    encodeModel({ ...graph, outputs }),
    options.threads ? { intraOpNumThreads: options.threads } : {},
  );
  let images = 0;
  try {
    for await (const batch of batches) {
      const imageLength = sizeOf(imageDims);
      for (let first = 0; first < batch.size; first += perRun) {
        const size = Math.min(perRun, batch.size - first);
        const values = batch.images.subarray(first * imageLength, (first + size) * imageLength);
        count(input.name, values);
        const feeds = { [input.name]: new ort.Tensor('float32', values, [size, ...imageDims]) };
        const results = await session.run(feeds);
        for (const name of computed) count(name, results[name]!.data as Float32Array);
      }
      images += batch.size;
      options.onProgress?.(images);
    }
  } finally {
    await session.release();
  }
  if (images === 0) throw new UserError('there are no images to calibrate with; give at least one');
  return { histograms, images };
}
