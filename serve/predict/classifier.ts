import { probabilitiesOf } from '../../core/metrics/scores.ts';
import { topK } from '../../core/metrics/top-k.ts';
import type { ClassifierMetadata } from '../../core/model-metadata.ts';
import { Normalizer } from '../../core/preprocess/normalize.ts';
import { HttpError } from '../http/http-error.ts';
import { decodeImages } from '../image/decode.ts';
import type { InferencePool, RunLimits } from '../inference/pool.ts';

/** One class with its probability, best first in a list of them. */
export interface Prediction {
  index: number;
  label: string;
  probability: number;
}

export interface ClassifierAnswer {
  /** In the order of the images: the best classes, or why there are none. */
  results: (Prediction[] | HttpError)[];
  latencyMs: { decode: number; inference: number };
}

/** From image files to labelled predictions: decode, normalise, run, rank. */
export class Classifier {
  readonly #metadata: ClassifierMetadata;
  readonly #normalizer: Normalizer;
  readonly #pool: Pick<InferencePool, 'run' | 'checkRoom'>;
  readonly #maxPixels: number;

  /** @param maxPixels most pixels an image may have before it is resized */
  constructor(
    metadata: ClassifierMetadata,
    pool: Pick<InferencePool, 'run' | 'checkRoom'>,
    maxPixels: number,
  ) {
    this.#metadata = metadata;
    this.#normalizer = new Normalizer({ mean: metadata.mean, std: metadata.std });
    this.#pool = pool;
    this.#maxPixels = maxPixels;
  }

  /**
   * Classifies images; those that cannot be decoded get their refusal in the results.
   * @param k predictions per image
   * @throws UnavailableError if the model cannot run now, or too much else is to be decoded
   */
  async classify(
    images: readonly (Uint8Array | HttpError)[],
    k: number,
    limits: RunLimits = {},
  ): Promise<ClassifierAnswer> {
    const start = performance.now();
    // Not after decoding for nothing.
    this.#pool.checkRoom(images.length);
    const { inputHeight: height, inputWidth: width } = this.#metadata;
    const pixels = await decodeImages(images, { height, width, maxPixels: this.#maxPixels }, limits);
    const decoded = pixels.filter((image) => image instanceof Uint8Array);
    const input = this.#normalise(decoded);
    const decode = performance.now() - start;
    if (decoded.length === 0) {
      return { results: pixels as HttpError[], latencyMs: { decode: round(decode), inference: 0 } };
    }
    const { logits, milliseconds } = await this.#pool.run(input, decoded.length, limits);
    const classes = this.#metadata.labels.length;
    let row = 0;
    const results = pixels.map((image) => {
      if (image instanceof HttpError) return image;
      const first = row++ * classes;
      return this.#rank(logits.subarray(first, first + classes), k);
    });
    return { results, latencyMs: { decode: round(decode), inference: round(milliseconds) } };
  }

  /** [n] images of [height, width, 3] bytes to one [n, 3, height, width] tensor. */
  #normalise(images: readonly Uint8Array[]): Float32Array<ArrayBuffer> {
    const pixels = this.#metadata.inputHeight * this.#metadata.inputWidth;
    const input = new Float32Array(images.length * 3 * pixels);
    images.forEach((image, i) => {
      this.#normalizer.interleaved(image, 3, input, i * 3 * pixels, pixels);
    });
    return input;
  }

  #rank(logits: Float32Array, k: number): Prediction[] | HttpError {
    const probabilities = probabilitiesOf(logits, this.#metadata.scores);
    // JSON has no NaN.
    if (probabilities.some(Number.isNaN))
      return new HttpError(500, 'the model gave a score that is not a number');
    return topK(logits, k).map((index) => ({
      index,
      label: this.#metadata.labels[index]!,
      probability: probabilities[index]!,
    }));
  }
}

/** Milliseconds to the microsecond. */
function round(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
