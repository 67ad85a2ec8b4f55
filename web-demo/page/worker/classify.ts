import { superclassesOf } from '../../../core/data/cifar100-superclasses.ts';
import { probabilitiesOf } from '../../../core/metrics/scores.ts';
import { topK } from '../../../core/metrics/top-k.ts';
import type { PixelImage } from '../../../core/preprocess/pixel-image.ts';
import { prepareImage } from '../../../core/preprocess/prepare-image.ts';
import type { OpenClassifier } from './classifier.ts';
import { decodePicture, rgbaOf } from './picture.ts';
import type { Classification, ClassifyRequest, SuperclassShare } from './protocol.ts';

const GUESSES = 5;

/** The picture decoded last: moving the crop box must not decode it anew. */
let decoded: { key: number; image: Promise<PixelImage> } | undefined;

/** What a net saw, for an explanation. */
export interface Seen {
  model: OpenClassifier;
  /** [1, 3, height, width], normalised. */
  input: Float32Array;
}

/**
 * Decodes a picture, once for all that is asked about it.
 * @throws UserError if it cannot be read
 */
export function decodeOnce({ file, key }: ClassifyRequest): Promise<PixelImage> {
  if (decoded?.key !== key) decoded = { key, image: decodePicture(file) };
  return decoded.image;
}

/**
 * Classifies a picture, through the preparation that the server uses too.
 * @param modelToAsk called when the picture is decoded: another model may have been opened meanwhile
 * @throws UserError if it cannot be read
 */
export async function classifyPicture(
  request: ClassifyRequest,
  modelToAsk: () => OpenClassifier,
): Promise<{ classification: Classification; seen: Seen }> {
  const start = performance.now();
  const image = await decodeOnce(request);
  const model = modelToAsk();
  const { metadata } = model;
  const size = { width: metadata.inputWidth, height: metadata.inputHeight };
  const small = prepareImage(image, size, request.region);
  const input = new Float32Array(3 * model.pixels);
  model.normalizer.interleaved(small.data, 3, input, 0, model.pixels);
  const prepareMs = performance.now() - start;
  const { logits, ms } = await model.run(input, 1);
  const probabilities = probabilitiesOf(logits, metadata.scores);
  // Of independent probabilities none is that of a group.
  const superclasses = metadata.scores === 'independent' ? undefined : superclassesOf(metadata.labels);
  const classification = {
    top: topK(logits, GUESSES).map((index) => ({
      index,
      label: metadata.labels[index]!,
      probability: probabilities[index]!,
      ...(superclasses ? { superclass: superclasses[index]! } : {}),
    })),
    ...(superclasses ? { superclass: bestSuperclass(probabilities, superclasses) } : {}),
    width: image.width,
    height: image.height,
    seen: { ...size, rgba: rgbaOf(small) },
    prepareMs,
    inferenceMs: ms,
  };
  return { classification, seen: { model, input } };
}

/** The superclass whose classes have the most probability together. */
function bestSuperclass(probabilities: Float32Array, superclasses: readonly string[]): SuperclassShare {
  const sums = new Map<string, number>();
  superclasses.forEach((name, index) => {
    sums.set(name, (sums.get(name) ?? 0) + probabilities[index]!);
  });
  const [name, probability] = [...sums].sort(([, a], [, b]) => b - a)[0]!;
  return { name, probability };
}
