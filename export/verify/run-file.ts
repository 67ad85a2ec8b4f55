import { errorMessage, UserError } from '../../core/errors.ts';
import type { ClassifierMetadata } from '../../core/model-metadata.ts';
import { PIXELS } from '../../core/onnx/passes/pixels-to-top-k.ts';
import { Normalizer } from '../../core/preprocess/normalize.ts';
import { type InferenceSession, openSession, Tensor } from '../../core/runtime/session.ts';
import type { ImageSet } from '../pictures.ts';

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

/** Makes a model's input of images `first` to `first + size` of a set. */
type Feed = (first: number, size: number) => Record<string, Tensor>;

/** What a client does for a model, as the model's metadata says. */
export function feedFor(set: ImageSet, metadata: ClassifierMetadata): Feed {
  const { inputHeight: height, inputWidth: width } = metadata;
  const pixels = height * width;
  const bytes = (first: number, size: number): Uint8Array =>
    set.pixels.subarray(first * 3 * pixels, (first + size) * 3 * pixels);
  if (metadata.preprocessing === 'graph') {
    return (first, size) => {
      const images = interleave(bytes(first, size), new Uint8Array(size * 3 * pixels), pixels);
      return { [PIXELS]: new Tensor('uint8', images, [size, height, width, 3]) };
    };
  }
  const normalizer = new Normalizer(metadata);
  const normalized = (first: number, size: number): Float32Array => {
    const images = new Float32Array(size * 3 * pixels);
    const source = bytes(first, size);
    for (let i = 0; i < size; i++) {
      normalizer.planar(source, i * 3 * pixels, images, i * 3 * pixels, pixels);
    }
    return images;
  };
  if (metadata.inputLayout === 'NCHW') {
    return (first, size) => ({
      input: new Tensor('float32', normalized(first, size), [size, 3, height, width]),
    });
  }
  return (first, size) => {
    const images = interleave(normalized(first, size), new Float32Array(size * 3 * pixels), pixels);
    return { input: new Tensor('float32', images, [size, height, width, 3]) };
  };
}

/** [n, 3, pixels] to [n, pixels, 3]. */
function interleave<T extends Uint8Array | Float32Array>(planar: T, rows: T, pixels: number): T {
  for (let i = 0; i < rows.length; i++) {
    const image = Math.floor(i / (3 * pixels));
    rows[i] = planar[(image * 3 + (i % 3)) * pixels + (Math.floor(i / 3) % pixels)]!;
  }
  return rows;
}
