import type { ImageSplit, Normalization } from '../../core/data/dataset.ts';
import { errorMessage, UserError } from '../../core/errors.ts';
import { Thread, ThreadEnded } from '../../core/workers/thread.ts';
import type { Teaching } from '../distillation.ts';
import type { Augmentation } from '../recipe/settings.ts';
import type { BatchBuffers, BatchSource } from './batch-maker.ts';
import { epochOrder } from './epoch-order.ts';
import type { BatchRequest, LoaderCalls } from './worker.ts';

export interface BatchLoaderOptions {
  split: ImageSplit;
  height: number;
  width: number;
  normalization: Normalization;
  /** Number of classes, every label below it; default as many as the split's labels need. */
  classes?: number;
  /** Share of a target that is spread evenly over all classes; default 0. */
  labelSmoothing?: number;
  /** How much each class counts in the loss; default: all alike. */
  classWeights?: readonly number[] | undefined;
  /** What a teacher says of the split's images; default: there is none. */
  teaching?: Teaching | undefined;
  batchSize: number;
  /** Decides the order and every augmentation. */
  seed: number;
  augment: Augmentation;
  /** The epoch from which on images are cropped and flipped only; default: none. */
  plainFrom?: number;
  /** Threads that make batches; default 1. Has no influence on what is in them. */
  workers?: number;
  /** Batches made ahead of the one in use; default 2 a worker. */
  prefetch?: number;
  /** Leave out an epoch's last batch if it is not full; default false. */
  dropLast?: boolean;
  /** Another worker script, for tests of how failures are handled. */
  workerScript?: URL;
}

export interface Batch {
  /** `size * 3 * height * width` values, normalised, NCHW; height and width as the epoch was asked for. */
  images: Float32Array;
  /** `size` class indices, those of the images before a CutMix or MixUp. */
  labels: Int32Array;
  /** `size * classes` probabilities: what the loss compares with, smoothed, mixed as the images are, and weighed. */
  targets: Float32Array;
  size: number;
  /**
   * Gives the memory back for a later batch; the arrays must not be used after it, and become empty when the
   * memory moves to a worker. Optional: what is not released is left to garbage collection.
   */
  release(): void;
}

/**
 * Makes shuffled, augmented training batches in worker threads, ahead of the trainer. A batch depends on
 * seed, epoch and its place in the epoch, never on the number of workers or on timing.
 *
 * The split is shared with the workers (it is copied into shared memory first if it is not there). Batches
 * are ordinary memory transferred between the threads, not shared memory, because onnxruntime-node refuses
 * tensors on a SharedArrayBuffer.
 */
export class BatchLoader {
  /** Batches in a full epoch. */
  readonly batchesPerEpoch: number;
  readonly #count: number;
  readonly #batchSize: number;
  readonly #imageLength: number;
  readonly #classes: number;
  readonly #seed: number;
  readonly #prefetch: number;
  readonly #threads: Thread<LoaderCalls>[];
  readonly #free: BatchBuffers[] = [];
  #failure: Error | undefined;

  /** @throws UserError if an option is out of range or the split has too few images for one batch */
  constructor(options: BatchLoaderOptions) {
    const { split, height, width, batchSize, seed, workers = 1 } = options;
    const labelsEnd = split.labels.reduce((end, label) => Math.max(end, label + 1), 1);
    const classes = options.classes ?? labelsEnd;
    const { labelSmoothing = 0, prefetch = 2 * workers, dropLast = false } = options;
    checkCount('batch size', batchSize);
    checkCount('number of loader workers', workers);
    checkCount('number of batches made ahead', prefetch);
    if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
      throw new UserError(`the label smoothing must be from 0 to 1, not ${labelSmoothing}`);
    }
    this.#count = split.count;
    this.#batchSize = batchSize;
    this.#imageLength = 3 * height * width;
    this.#classes = classes;
    this.#seed = seed;
    this.#prefetch = prefetch;
    if (split.images.length !== split.count * this.#imageLength || split.labels.length !== split.count) {
      throw new RangeError(
        `the split does not hold ${split.count} images of 3 x ${height} x ${width} with labels`,
      );
    }
    // A typed array drops a write past its end: such a label would pass for a target of nothing.
    if (labelsEnd > classes) throw new RangeError(`label ${labelsEnd - 1} is not below ${classes} classes`);
    this.batchesPerEpoch = dropLast
      ? Math.floor(split.count / batchSize)
      : Math.ceil(split.count / batchSize);
    if (this.batchesPerEpoch === 0) {
      throw new UserError(
        `${split.count} training images do not fill a batch of ${batchSize}; lower the batch size`,
      );
    }
    const source: BatchSource = {
      images: shared(split.images, Uint8Array),
      labels: shared(split.labels, Uint16Array),
      height,
      width,
      normalization: options.normalization,
      classes,
      labelSmoothing,
      classWeights: options.classWeights,
      teaching: options.teaching,
      seed,
      augment: options.augment,
      plainFrom: options.plainFrom,
    };
    const script = options.workerScript ?? new URL('./worker.ts', import.meta.url);
    // They keep the process alive only while a batch is made: a trainer that does not close its loader still ends.
    const thread = { what: 'a data loader worker', name: 'loader', data: source, keepsAlive: false };
    this.#threads = Array.from({ length: workers }, () => new Thread(script, thread));
  }

  /**
   * The batches of an epoch in order. Leaving the loop early is safe; batches made ahead are dropped.
   * @param epoch any whole number; the same one gives the same batches
   * @param startBatch where to begin, to go on after an interruption; default 0
   * @param imageSize height and width to which images are resized after augmentation; default: they are not
   * @throws RangeError if startBatch is not in 0..batchesPerEpoch, or the images are smaller than imageSize
   * @throws Error if a worker dies or the loader is closed
   */
  async *epoch(epoch: number, startBatch = 0, imageSize?: number): AsyncGenerator<Batch, void, void> {
    if (!Number.isInteger(startBatch) || startBatch < 0 || startBatch > this.batchesPerEpoch) {
      throw new RangeError(`startBatch must be from 0 to ${this.batchesPerEpoch}, not ${startBatch}`);
    }
    const imageLength = imageSize === undefined ? this.#imageLength : 3 * imageSize * imageSize;
    if (!(imageLength > 0 && imageLength <= this.#imageLength)) {
      throw new RangeError(`images cannot be resized to ${imageSize} pixels here; only made smaller`);
    }
    const order = epochOrder(this.#count, this.#seed, epoch);
    const ahead: { size: number; buffers: Promise<BatchBuffers> }[] = [];
    let next = startBatch;
    try {
      for (;;) {
        // One more than `prefetch`: the first is the batch that is waited for now.
        for (; next < this.batchesPerEpoch && ahead.length <= this.#prefetch; next++) {
          const indices = order.slice(next * this.#batchSize, (next + 1) * this.#batchSize);
          ahead.push({
            size: indices.length,
            buffers: this.#request({ epoch, batch: next, indices, imageSize }),
          });
        }
        const first = ahead.shift();
        if (first === undefined) return;
        yield this.#batch(await first.buffers, first.size, imageLength);
      }
    } finally {
      for (const { buffers } of ahead) buffers.then((unused) => this.#free.push(unused), ignore);
    }
  }

  /** Stops the workers. An epoch that is still being read throws. */
  async close(): Promise<void> {
    this.#fail(new Error('the batch loader is closed'));
    await Promise.all(this.#threads.map((thread) => thread.end({ now: true })));
  }

  #request(request: Omit<BatchRequest, 'buffers'>): Promise<BatchBuffers> {
    if (this.#failure) throw this.#failure;
    // Batches that were not released are not waited for: that could be for ever.
    const buffers = this.#free.pop() ?? {
      images: new Float32Array(this.#batchSize * this.#imageLength),
      labels: new Int32Array(this.#batchSize),
      targets: new Float32Array(this.#batchSize * this.#classes),
    };
    const idlest = this.#threads.reduce((best, thread) => (thread.pending < best.pending ? thread : best));
    const transfer = [buffers.images.buffer, buffers.labels.buffer, buffers.targets.buffer];
    const made = idlest.call('make', { ...request, buffers }, { transfer });
    // It may fail while an earlier batch is in use and nobody waits for this one yet.
    const result = made.catch((error: unknown) => {
      const ended = error instanceof ThreadEnded || error === this.#failure;
      this.#fail(ended ? (error as Error) : new Error(`a data loader worker failed: ${errorMessage(error)}`));
      throw this.#failure;
    });
    result.catch(ignore);
    return result;
  }

  #batch(buffers: BatchBuffers, size: number, imageLength: number): Batch {
    const { images, labels, targets } = buffers;
    const full = size === this.#batchSize;
    const length = size * imageLength;
    let released = false;
    return {
      images: length === images.length ? images : images.subarray(0, length),
      labels: full ? labels : labels.subarray(0, size),
      targets: full ? targets : targets.subarray(0, size * this.#classes),
      size,
      release: () => {
        if (!released) this.#free.push(buffers);
        released = true;
      },
    };
  }

  /** The first reason stands; everything that waits, and every later request, gets it. */
  #fail(error: Error): void {
    this.#failure ??= error;
    for (const thread of this.#threads) thread.fail(this.#failure);
  }
}

function checkCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new UserError(`the ${name} must be a whole number from 1 on, not ${value}`);
  }
}

/** The array itself if it is on shared memory, else a copy that is. */
function shared<T extends Uint8Array | Uint16Array>(
  array: T,
  type: { new (buffer: SharedArrayBuffer): T; readonly BYTES_PER_ELEMENT: number },
): T {
  if (array.buffer instanceof SharedArrayBuffer) return array;
  const copy = new type(new SharedArrayBuffer(array.length * type.BYTES_PER_ELEMENT));
  copy.set(array);
  return copy;
}

function ignore(): void {}
