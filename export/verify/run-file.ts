import { errorMessage, UserError } from '../../core/errors.ts';
import { type InferenceSession, openSession, type Tensor } from '../../core/runtime/session.ts';
import type { Feed } from './feeds.ts';

/** A model's outputs for all images, one after another, by name. */
export type Outputs = ReadonlyMap<string, number[]>;

/**
 * Runs a model file over images with onnxruntime.
 * @param optimization onnxruntime's graph optimisation
 * @param batches the sizes of the batches to run
 * @param onImages called with how many images are done
 * @throws UserError if onnxruntime does not take the model
 */
export async function runFile(
  path: string,
  optimization: InferenceSession.SessionOptions['graphOptimizationLevel'],
  feed: Feed,
  batches: readonly number[],
  onImages: (done: number) => void,
): Promise<Outputs> {
  // From its path: onnxruntime then needs no copy of the file, and finds external data beside it.
  const session = await openSession(path, {
    graphOptimizationLevel: optimization!,
    // Idle threads sleep: beside other work, spinning ones keep the cores from who has something to do.
    config: { intra_op: { allow_spinning: '0' } },
  }).catch((error: unknown) => {
    throw new UserError(`onnxruntime does not take the model: ${errorMessage(error).split('\n')[0]}`);
  });
  try {
    const outputs = new Map<string, number[]>(session.outputNames.map((name) => [name, []]));
    let done = 0;
    for (const size of batches) {
      const result = await session.run(feed(done, size));
      for (const [name, values] of outputs) append(values, result[name] as Tensor);
      done += size;
      onImages(done);
    }
    return outputs;
  } finally {
    await session.release();
  }
}

function append(values: number[], tensor: Tensor): void {
  for (const value of tensor.data as Float32Array | BigInt64Array) values.push(Number(value));
}

/** A single image, a batch of an odd size, so that a batch dimension that is not dynamic shows, and more. */
export function batchSizes(count: number, fixed: number | undefined): number[] {
  if (fixed !== undefined) return Array.from({ length: count / fixed }, () => fixed);
  const sizes: number[] = [];
  for (let left = count; left > 0; left -= sizes.at(-1)!) {
    sizes.push(Math.min(left, [1, 5][sizes.length] ?? 10));
  }
  return sizes;
}
