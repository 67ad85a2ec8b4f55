import { superclassesOf } from '../../../core/data/cifar100-superclasses.ts';
import { probabilitiesOf } from '../../../core/metrics/scores.ts';
import { topK } from '../../../core/metrics/top-k.ts';
import type { PixelImage } from '../../../core/preprocess/pixel-image.ts';
import { prepareImage } from '../../../core/preprocess/prepare-image.ts';
import type { OpenClassifier } from './classifier.ts';
import { currentModel } from './model.ts';
import { decodePicture, rgbaOf } from './picture.ts';
import type { Classification, ClassifyRequest, SuperclassShare } from './protocol.ts';

const GUESSES = 5;

/** The picture decoded last: moving the crop box must not decode it anew. */
let decoded: { key: number; image: PixelImage } | undefined;

/** What the net saw last, for an explanation. */
export interface Seen {
  model: OpenClassifier;
  /** [1, 3, height, width], normalised. */
  input: Float32Array;
}

let seen: Seen | undefined;

/** The input of the last classification; undefined before the first. */
export function lastSeen(): Seen | undefined {
  return seen;
}

/**
 * Classifies a picture with the open model, through the preparation that the server uses too.
 * @throws UserError if it cannot be read, or no model is open
 */
export async function classify({ file, key, region }: ClassifyRequest): Promise<Classification> {
  const start = performance.now();
  const image = decoded?.key === key ? decoded.image : await decodePicture(file);
  decoded = { key, image };
  // Only now: another model may have been opened while the picture was decoded.
  const model = currentModel();
  const { metadata } = model;
  const size = { width: metadata.inputWidth, height: metadata.inputHeight };
  const small = prepareImage(image, size, region);
  const input = new Float32Array(3 * model.pixels);
  model.normalizer.interleaved(small.data, 3, input, 0, model.pixels);
  const prepareMs = performance.now() - start;
  const { logits, ms } = await model.run(input, 1);
  seen = { model, input };
  const probabilities = probabilitiesOf(logits, metadata.scores);
  // Of independent probabilities none is that of a group.
  const superclasses = metadata.scores === 'independent' ? undefined : superclassesOf(metadata.labels);
  return {
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
