import { UserError } from './chunk-CQTP4RLG.js';
import './chunk-MOR2SDXV.js';

// core/preprocess/normalize.ts
var Normalizer = class {
  #red;
  #green;
  #blue;
  constructor(normalization) {
    (this.#red = channelTable(normalization, 0)),
      (this.#green = channelTable(normalization, 1)),
      (this.#blue = channelTable(normalization, 2));
  }
  /**
   * One image of channel planes (CIFAR's order: all red, all green, all blue bytes).
   * @param src the bytes; the image's 3 * pixels begin at `srcOffset`
   * @param dst written from `dstOffset` on, 3 * pixels values, channel-planar
   * @param pixels height * width
   * @throws RangeError if either array is too short
   */
  planar(src, srcOffset, dst, dstOffset, pixels) {
    checkRoom(src.length - srcOffset, 3 * pixels, dst.length - dstOffset, pixels),
      plane(src, srcOffset, 1, dst, dstOffset, pixels, this.#red),
      plane(src, srcOffset + pixels, 1, dst, dstOffset + pixels, pixels, this.#green),
      plane(src, srcOffset + 2 * pixels, 1, dst, dstOffset + 2 * pixels, pixels, this.#blue);
  }
  /**
   * One image of interleaved pixels (a decoder's RGB, a canvas's RGBA); alpha is ignored.
   * @param src the bytes, the image from the first one on
   * @param srcChannels bytes a pixel
   * @param dst written from `dstOffset` on, 3 * pixels values, channel-planar
   * @param pixels height * width
   * @throws RangeError if either array is too short
   */
  interleaved(src, srcChannels, dst, dstOffset, pixels) {
    checkRoom(src.length, srcChannels * pixels, dst.length - dstOffset, pixels),
      plane(src, 0, srcChannels, dst, dstOffset, pixels, this.#red),
      plane(src, 1, srcChannels, dst, dstOffset + pixels, pixels, this.#green),
      plane(src, 2, srcChannels, dst, dstOffset + 2 * pixels, pixels, this.#blue);
  }
  /**
   * Images as one tensor.
   * @param images interleaved RGB, [height, width, 3] each
   * @param pixels height * width
   * @returns [images, 3, height, width]
   * @throws RangeError if one is too short
   */
  batch(images, pixels) {
    const input = new Float32Array(images.length * 3 * pixels);
    for (const [i, image] of images.entries()) this.interleaved(image, 3, input, i * 3 * pixels, pixels);
    return input;
  }
};
function channelTable({ mean, std }, channel) {
  return Float32Array.from({ length: 256 }, (_, v) => (v / 255 - mean[channel]) / std[channel]);
}
function plane(src, from, step, dst, to, pixels, table) {
  for (let p = 0, at = from; p < pixels; p++, at += step) dst[to + p] = table[src[at]];
}
function checkRoom(bytes, bytesNeeded, values, pixels) {
  if (bytes < bytesNeeded) throw new RangeError(`image has ${bytes} bytes, needs ${bytesNeeded}`);
  if (values < 3 * pixels) throw new RangeError(`tensor has room for ${values} values, needs ${3 * pixels}`);
}

// web-demo/page/worker/classifier.ts
var OpenClassifier = class {
  metadata;
  name;
  normalizer;
  #open;
  #released = !1;
  /** @param open of a model with an input `input` and an output `logits` */
  constructor(open, metadata, name) {
    (this.#open = open),
      (this.metadata = metadata),
      (this.name = name),
      (this.normalizer = new Normalizer(metadata));
  }
  get classes() {
    return this.metadata.labels.length;
  }
  /** Pixels of one input image. */
  get pixels() {
    return this.metadata.inputHeight * this.metadata.inputWidth;
  }
  /**
   * Runs a batch.
   * @param input [n, 3, height, width], normalised; may be longer
   * @returns logits [n, classes], row-major, and how long the run itself took
   * @throws UserError if another model was opened meanwhile
   */
  run(input, n) {
    return this.#open.lock.run(async () => {
      if (this.#released) throw new UserError('Another model was opened meanwhile; run it again.');
      const { inputHeight, inputWidth } = this.metadata,
        { session, ort } = this.#open,
        used = input.subarray(0, n * 3 * this.pixels),
        start = performance.now(),
        output = await session.run({
          input: new ort.Tensor('float32', used, [n, 3, inputHeight, inputWidth]),
        }),
        ms = performance.now() - start,
        logits = output.logits?.data;
      if (!(logits instanceof Float32Array) || logits.length !== n * this.classes)
        throw new UserError(
          `${this.name} gives ${logits?.length ?? 0} numbers a picture, but its metadata has ${this.classes} labels; export it again with onnx-classifier export.`,
        );
      return { logits, ms };
    });
  }
  /**
   * One run on nothing: it allocates, and shows whether the graph fits its metadata.
   * @throws Error if a score is not a number: a backend without a kernel it should have
   */
  async warmUp() {
    const { logits } = await this.run(new Float32Array(3 * this.pixels), 1);
    if (!logits.every(Number.isFinite)) throw new Error('its scores are not numbers');
  }
  /** Frees its memory once the run in progress has ended. */
  async release() {
    await this.#open.lock.run(async () => {
      (this.#released = !0), await this.#open.session.release();
    });
  }
};

export { OpenClassifier };
