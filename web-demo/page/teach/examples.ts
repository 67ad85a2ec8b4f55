import { prepareImage } from '../../../core/preprocess/prepare-image.ts';
import { decodePicture } from '../worker/picture.ts';
import type { ExampleImage } from './protocol.ts';

/** A picture ready to be learnt from. */
export interface Example {
  /** 3 * height * width bytes, channel-planar. */
  pixels: Uint8Array;
  label: number;
}

/**
 * Decodes pictures and brings them to a network's size, as for a prediction.
 * @throws UserError naming the first that cannot be read; AbortError if the signal is aborted
 */
export async function prepareExamples(
  images: readonly { image: ExampleImage; label: number }[],
  size: { width: number; height: number },
  signal: AbortSignal,
): Promise<Example[]> {
  const examples: Example[] = [];
  for (const { image, label } of images) {
    signal.throwIfAborted();
    const decoded = image instanceof Blob ? await decodePicture(image) : image;
    const { data } = prepareImage(decoded, size);
    const plane = size.width * size.height;
    const pixels = new Uint8Array(3 * plane);
    for (let p = 0; p < plane; p++) for (let c = 0; c < 3; c++) pixels[c * plane + p] = data[p * 3 + c]!;
    examples.push({ pixels, label });
  }
  return examples;
}
