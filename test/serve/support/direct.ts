import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Normalization } from '../../../core/data/dataset.ts';

/**
 * Runs the model on 32x32 images without any of the server's code.
 * @param images interleaved RGB bytes, [n][32 * 32 * 3]
 * @returns logits, [n, classes]
 */
export async function directLogits(
  modelPath: string,
  { mean, std }: Normalization,
  images: readonly Uint8Array[],
): Promise<Float32Array> {
  const session = await InferenceSession.create(modelPath);
  const pixels = 32 * 32;
  const input = new Float32Array(images.length * 3 * pixels);
  images.forEach((image, n) => {
    for (let p = 0; p < pixels; p++) {
      for (let c = 0; c < 3; c++) {
        input[(n * 3 + c) * pixels + p] = (image[p * 3 + c]! / 255 - mean[c]!) / std[c]!;
      }
    }
  });
  const feed = new Tensor('float32', input, [images.length, 3, 32, 32]);
  const { logits } = await session.run({ input: feed });
  return logits!.data as Float32Array;
}
