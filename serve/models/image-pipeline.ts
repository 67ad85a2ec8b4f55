import { Refusal } from '../../core/errors.ts';
import { bestPredictions, type Prediction } from '../../core/metrics/scores.ts';
import type { ClassifierMetadata } from '../../core/model-metadata.ts';
import { Normalizer } from '../../core/preprocess/normalize.ts';
import { decodeImages } from '../image/decode.ts';
import type { InferencePool, RunLimits } from '../inference/pool.ts';

export interface PipelineAnswer {
  /** In the order of the images: the best classes, or why there are none. */
  results: (Prediction[] | Refusal)[];
  latencyMs: { decode: number; inference: number };
}

/** From image files to labelled predictions: decode, normalise, run, rank. */
export class ImagePipeline {
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
    images: readonly (Uint8Array | Refusal)[],
    k: number,
    limits: RunLimits = {},
  ): Promise<PipelineAnswer> {
    const start = performance.now();
    // Not after decoding for nothing.
    this.#pool.checkRoom(images.length);
    const { inputHeight: height, inputWidth: width } = this.#metadata;
    const pixels = await decodeImages(images, { height, width, maxPixels: this.#maxPixels }, limits);
    const decoded = pixels.filter((image) => image instanceof Uint8Array);
    const input = this.#normalizer.batch(decoded, height * width);
    const decode = performance.now() - start;
    if (decoded.length === 0) {
      return { results: pixels as Refusal[], latencyMs: { decode: round(decode), inference: 0 } };
    }
    const { logits, milliseconds } = await this.#pool.run(input, decoded.length, limits);
    const classes = this.#metadata.labels.length;
    let row = 0;
    const results = pixels.map((image) => {
      if (image instanceof Refusal) return image;
      const first = row++ * classes;
      return this.#rank(logits.subarray(first, first + classes), k);
    });
    return { results, latencyMs: { decode: round(decode), inference: round(milliseconds) } };
  }

  #rank(logits: Float32Array, k: number): Prediction[] | Refusal {
    // JSON has no NaN.
    return (
      bestPredictions(logits, this.#metadata, k) ??
      new Refusal(500, 'the model gave a score that is not a number')
    );
  }
}

/** Milliseconds to the microsecond. */
function round(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
