import type { ClassifierMetadata } from '../../core/model-metadata.ts';
import { PIXELS } from '../../core/onnx/passes/pixels-to-top-k.ts';
import { Normalizer } from '../../core/preprocess/normalize.ts';
import { Tensor } from '../../core/runtime/session.ts';
import type { ImageSet } from './images.ts';

/** Makes a model's input of images `first` to `first + size` of a set. */
export type Feed = (first: number, size: number) => Record<string, Tensor>;

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
