import { UserError } from '../../../core/errors.ts';
import type { ClassifierMetadata } from '../../../core/model-metadata.ts';
import { Normalizer } from '../../../core/preprocess/normalize.ts';
import type { OpenSession } from './session.ts';

/** A model's session with what its metadata says about feeding it. */
export class OpenClassifier {
  readonly metadata: ClassifierMetadata;
  readonly name: string;
  readonly normalizer: Normalizer;
  readonly #open: OpenSession;
  #released = false;
  /** Whether a run gave numbers. */
  #proven = false;

  /** @param open of a model with an input `input` and an output `logits` */
  constructor(open: OpenSession, metadata: ClassifierMetadata, name: string) {
    this.#open = open;
    this.metadata = metadata;
    this.name = name;
    this.normalizer = new Normalizer(metadata);
  }

  get classes(): number {
    return this.metadata.labels.length;
  }

  /** Pixels of one input image. */
  get pixels(): number {
    return this.metadata.inputHeight * this.metadata.inputWidth;
  }

  /**
   * Runs a batch.
   * @param input [n, 3, height, width], normalised; may be longer
   * @returns logits [n, classes], row-major, and how long the run itself took
   * @throws UserError if another model was opened meanwhile
   * @throws Error if a score of its first run is not a number: a backend without a kernel it should have
   */
  run(input: Float32Array, n: number): Promise<{ logits: Float32Array; ms: number }> {
    return this.#open.lock.run(async () => {
      if (this.#released) throw new UserError('Another model was opened meanwhile; run it again.');
      const { inputHeight, inputWidth } = this.metadata;
      const { session, ort } = this.#open;
      const used = input.subarray(0, n * 3 * this.pixels);
      const start = performance.now();
      const output = await session.run({
        input: new ort.Tensor('float32', used, [n, 3, inputHeight, inputWidth]),
      });
      const ms = performance.now() - start;
      const logits = output.logits?.data;
      if (!(logits instanceof Float32Array) || logits.length !== n * this.classes) {
        throw new UserError(
          `${this.name} gives ${logits?.length ?? 0} numbers a picture, but its metadata has ${this.classes} labels; export it again with npm run export.`,
        );
      }
      if (!this.#proven && !logits.every(Number.isFinite)) throw new Error('its scores are not numbers');
      this.#proven = true;
      return { logits, ms };
    });
  }

  /** One run on nothing: it allocates, and shows whether the graph fits its metadata. */
  async warmUp(): Promise<void> {
    await this.run(new Float32Array(3 * this.pixels), 1);
  }

  /** Frees its memory once the run in progress has ended. */
  async release(): Promise<void> {
    await this.#open.lock.run(async () => {
      this.#released = true;
      await this.#open.session.release();
    });
  }
}
