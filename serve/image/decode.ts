import { setImmediate as soon } from 'node:timers/promises';
import sharp from 'sharp';
import { errorMessage, OverloadError, Refusal } from '../../core/errors.ts';
import { decodeImageFile } from '../../core/image/decode.ts';
import { FORMAT_NAMES, type ImageFormat, imageFormat } from '../../core/image/format.ts';
import { decodeSmallPng } from '../../core/image/small-png.ts';
import { prepareImage } from '../../core/preprocess/prepare-image.ts';
import type { RunLimits } from '../inference/pool.ts';
import { QuestionThreads } from '../threads/question-threads.ts';

export interface DecodeOptions {
  /** The model's input size. */
  height: number;
  width: number;
  /** Most pixels (width x height) an image may have before it is resized; each of an AVIF counts for four. */
  maxPixels: number;
}

/** Of the images of a request together, in images of the most pixels. */
const REQUEST_IMAGES = 4;
/** An AVIF's pixel takes as much memory, and more time, than so many of the other formats. */
const AVIF_WEIGHT = 4;
/** Up to here an image is decoded and resized in a few milliseconds. */
const LARGE_PIXELS = 256 * 256;
const LARGE_BYTES = 256_000;
/** Images of a request that are being decoded beside the main thread at a time. */
const LANES = 4;
/** The main thread does nothing else for so long at most. */
const TURN_MS = 5;

/** To a thread that decodes large images. */
export interface DecodeQuestion {
  bytes: Uint8Array;
  options: DecodeOptions;
  /** What the request may still have. */
  pixelsLeft: number;
  /** Seconds after which nobody wants it. */
  seconds: number;
}

/** From it. */
export interface DecodeAnswer {
  image: Uint8Array<ArrayBuffer>;
  /** Before it was resized, as they count against the limit. */
  pixels: number;
}

const largeImages = new QuestionThreads<DecodeQuestion, DecodeAnswer>({
  module: new URL('./decode-worker.ts', import.meta.url),
  name: 'decode',
  work: 'decoding large images',
});

/**
 * Decodes the images of a request to the model's size as 8-bit sRGB, interleaved, [height, width, 3]: the pixels
 * that the page feeds its network too, since both take what `prepareImage` of core/preprocess makes of the decoded
 * picture. An image that already has the model's size is not resampled: lossless formats arrive byte for byte.
 * Of an animation the first frame is taken. Large images are decoded in threads, one of a request at a time.
 * @param images those that are refused already are passed on
 * @returns for each its pixels or its refusal: 400 no bytes, 413 too many pixels, in it or in all of them together,
 *   415 not one of the formats, 422 damaged
 * @throws Refusal 499 if the client is gone, 503 past the deadline or under overload
 */
export async function decodeImages(
  images: readonly (Uint8Array | Refusal)[],
  options: DecodeOptions,
  limits: RunLimits = {},
): Promise<(Uint8Array | Refusal)[]> {
  const decoder = new RequestDecoder(options, limits);
  const decoded: (Uint8Array | Refusal)[] = new Array(images.length);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < images.length) {
      const i = next++;
      const image = images[i]!;
      decoded[i] = image instanceof Refusal ? image : await decoder.decodeOrRefuse(image);
    }
  };
  const lanes = Array.from({ length: Math.min(LANES, images.length) }, lane);
  try {
    await Promise.all(lanes);
  } catch (error) {
    // The others stop as well.
    next = images.length;
    throw error;
  }
  return decoded;
}

/** One image, see {@link decodeImages}. @throws Refusal its refusal */
export async function decodeImage(bytes: Uint8Array, options: DecodeOptions): Promise<Uint8Array> {
  const [decoded] = await decodeImages([bytes], options);
  if (decoded instanceof Refusal) throw decoded;
  return decoded!;
}

/** Decodes the images of one request. */
class RequestDecoder {
  readonly #options: DecodeOptions;
  readonly #limits: RunLimits;
  #pixelsLeft: number;
  #turnStarted = performance.now();
  /** Settles when no large image of this request is being decoded. */
  #large: Promise<unknown> = Promise.resolve();

  constructor(options: DecodeOptions, limits: RunLimits) {
    this.#options = options;
    this.#limits = limits;
    this.#pixelsLeft = REQUEST_IMAGES * options.maxPixels;
  }

  async decodeOrRefuse(bytes: Uint8Array): Promise<Uint8Array | Refusal> {
    try {
      return await this.#decode(bytes);
    } catch (error) {
      // The others are about the request: its client is gone, or it waited too long.
      if (error instanceof Refusal && error.status < 499) return error;
      throw error;
    }
  }

  async #decode(bytes: Uint8Array): Promise<Uint8Array> {
    await this.#takeTurn();
    const format = knownFormat(bytes);
    const small = format === 'png' ? decodeSmallPng(bytes) : undefined;
    if (small) return prepareImage(small, this.#options).data as Uint8Array;
    // Before it goes to a thread: it is the work of a moment, whatever is in it.
    checkChunks(bytes, format);
    if (bytes.length > LARGE_BYTES) return this.#decodeLarge(bytes);
    const pixels = await countPixels(bytes, format, this.#options.maxPixels);
    if (pixels > LARGE_PIXELS) return this.#decodeLarge(bytes);
    this.#spend(pixels);
    return decodeKnown(bytes, format, this.#options, this.#secondsLeft());
  }

  #decodeLarge(bytes: Uint8Array): Promise<Uint8Array> {
    const decoded = this.#large.then(async () => {
      this.#checkWanted();
      const question = {
        bytes,
        options: this.#options,
        pixelsLeft: this.#pixelsLeft,
        seconds: this.#secondsLeft(),
      };
      const { image, pixels } = await largeImages.ask(question, this.#limits);
      this.#spend(pixels);
      return image;
    });
    this.#large = decoded.catch(() => {});
    return decoded;
  }

  /** Lets others have the event loop if this request had it long enough. */
  async #takeTurn(): Promise<void> {
    this.#checkWanted();
    if (performance.now() - this.#turnStarted < TURN_MS) return;
    await soon();
    this.#turnStarted = performance.now();
  }

  #checkWanted(): void {
    const { isGone, deadline } = this.#limits;
    if (isGone?.()) throw new Refusal(499, 'the client closed the connection');
    if (deadline !== undefined && performance.now() > deadline) {
      throw new OverloadError('the request waited too long for its images to be decoded; try again later');
    }
  }

  #spend(pixels: number): void {
    if (pixels > this.#pixelsLeft) throw tooManyTogether(this.#options.maxPixels);
    this.#pixelsLeft -= pixels;
  }

  #secondsLeft(): number {
    const { deadline } = this.#limits;
    return deadline === undefined ? Number.POSITIVE_INFINITY : (deadline - performance.now()) / 1000;
  }
}

/** What the threads do. @throws Refusal as {@link decodeImages} refuses */
export async function decodeLarge(question: DecodeQuestion): Promise<DecodeAnswer> {
  const { bytes, options, pixelsLeft, seconds } = question;
  const format = knownFormat(bytes);
  const pixels = await countPixels(bytes, format, options.maxPixels);
  if (pixels > pixelsLeft) throw tooManyTogether(options.maxPixels);
  const image = await decodeKnown(bytes, format, options, seconds);
  // A copy if it shares its memory with others, which then cannot be given away.
  return { image: image.byteLength === image.buffer.byteLength ? image : new Uint8Array(image), pixels };
}

function checkChunks(bytes: Uint8Array, format: ImageFormat): void {
  if (hasTooManyChunks(bytes, format)) {
    throw new Refusal(422, `the ${format.toUpperCase()} image is cut into too many parts`);
  }
}

/** From the head of the image, as they count against the limit. */
async function countPixels(bytes: Uint8Array, format: ImageFormat, maxPixels: number): Promise<number> {
  const { width, height } = await refuseAs(format, maxPixels, () => sharp(bytes).metadata());
  const pixels = width * height * weightOf(format);
  if (pixels > maxPixels) throw tooManyPixels(format, maxPixels);
  return pixels;
}

function weightOf(format: ImageFormat): number {
  return format === 'avif' ? AVIF_WEIGHT : 1;
}

async function decodeKnown(
  bytes: Uint8Array,
  format: ImageFormat,
  options: DecodeOptions,
  seconds: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const decoded = await refuseAs(format, options.maxPixels, () =>
    decodeImageFile(bytes, Math.floor(options.maxPixels / weightOf(format)), seconds),
  );
  return prepareImage(decoded, options).data as Uint8Array<ArrayBuffer>;
}

function knownFormat(bytes: Uint8Array): ImageFormat {
  if (bytes.length === 0) throw new Refusal(400, 'the image is empty');
  const format = imageFormat(bytes);
  if (!format) throw new Refusal(415, `not an image in a supported format; send ${FORMAT_NAMES}`);
  return format;
}

/** Turns the decoder's errors into refusals. */
async function refuseAs<T>(format: ImageFormat, maxPixels: number, decode: () => Promise<T>): Promise<T> {
  try {
    return await decode();
  } catch (error) {
    const reason = errorMessage(error);
    if (/pixel limit/i.test(reason)) throw tooManyPixels(format, maxPixels);
    if (/timeout: \d+% complete/.test(reason)) {
      throw new OverloadError('decoding the image took too long; try again later');
    }
    throw new Refusal(422, `the ${format.toUpperCase()} image is damaged or truncated`);
  }
}

function tooManyPixels(format: ImageFormat, maxPixels: number): Refusal {
  const most = megapixels(maxPixels / weightOf(format));
  const kind = format === 'avif' ? 'AVIF image' : 'image';
  return new Refusal(413, `the ${kind} has more than ${most} megapixels; send a smaller one`);
}

function tooManyTogether(maxPixels: number): Refusal {
  const most = megapixels(REQUEST_IMAGES * maxPixels);
  return new Refusal(413, `the images have more than ${most} megapixels together; send fewer in a request`);
}

function megapixels(pixels: number): number {
  return Number((pixels / 1e6).toPrecision(3));
}

/** Of an animated WebP, say: the decoder's time grows with the square of their number. */
const MAX_CHUNKS = 4096;
/** PNG encoders write chunks of 8 KB as a rule. */
const PNG_CHUNK_BYTES = 1024;

/**
 * Whether a PNG or a WebP is cut into more chunks than any encoder makes of so many bytes: the decoder would walk
 * them for seconds, or minutes. Only so many are looked at. Other formats have none.
 */
function hasTooManyChunks(bytes: Uint8Array, format: ImageFormat): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let chunks = 0;
  if (format === 'png') {
    const most = MAX_CHUNKS + bytes.length / PNG_CHUNK_BYTES;
    // After the signature: length, type, data, checksum.
    for (let at = 8; at + 8 <= bytes.length; at += 12 + view.getUint32(at)) if (++chunks > most) return true;
  } else if (format === 'webp') {
    // After the RIFF header: type, length, data, a byte more if the length is odd.
    for (let at = 12; at + 8 <= bytes.length; ) {
      if (++chunks > MAX_CHUNKS) return true;
      const length = view.getUint32(at + 4, true);
      at += 8 + length + (length & 1);
    }
  }
  return false;
}
