import { softmax } from '../../../core/metrics/softmax.ts';
import { topK } from '../../../core/metrics/top-k.ts';
import { cropCentreSquare, resizeBilinear } from '../../../core/preprocess/resize.ts';
import { currentModel } from './model.ts';
import { decodePicture } from './picture.ts';
import type { Classification } from './protocol.ts';

const GUESSES = 5;

/**
 * Classifies a picture with the open model. As on the server, the middle square is what counts: the net only
 * saw square pictures, and squeezing would distort what is in them.
 * @throws UserError if it cannot be read, or no model is open
 */
export async function classify(file: Blob): Promise<Classification> {
  const model = currentModel();
  const { metadata } = model;
  const start = performance.now();
  const { width, height, rgba } = await decodePicture(file);
  const square = cropCentreSquare({ data: rgba, width, height, channels: 4 });
  const small = resizeBilinear(square, metadata.inputWidth, metadata.inputHeight);
  const input = new Float32Array(3 * model.pixels);
  model.normalizer.interleaved(small.data, 4, input, 0, model.pixels);
  const prepareMs = performance.now() - start;
  const { logits, ms } = await model.run(input, 1);
  const probabilities = softmax(logits);
  return {
    top: topK(logits, GUESSES).map((index) => ({
      label: metadata.labels[index]!,
      probability: probabilities[index]!,
    })),
    width,
    height,
    // A copy: the page gets its own, and putting it on a canvas needs clamped bytes.
    seen: { width: small.width, height: small.height, rgba: new Uint8ClampedArray(small.data) },
    prepareMs,
    inferenceMs: ms,
  };
}
