import { totalmem } from 'node:os';
import type { ImageSplit, Normalization } from '../../core/data/dataset.ts';
import { type Graph, sizeOf } from '../../core/onnx/graph.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { fixBatch } from '../../core/onnx/passes/fix-batch.ts';
import { foldBatchNorm } from '../../core/onnx/passes/fold-batch-norm.ts';
import { Normalizer } from '../../core/preprocess/normalize.ts';
import { Random } from '../../core/random.ts';
import { type InferenceSession, openSession, tensor } from '../../core/runtime/session.ts';
import type { Teaching } from '../distillation.ts';
import { flipsImages, HorizontalFlip, isFlipped } from '../loader/augment/horizontal-flip.ts';
import { epochOrder } from '../loader/epoch-order.ts';
import { RandomStream } from '../loader/random-stream.ts';
import type { LabelledBatch } from '../loop.ts';
import type { TrainConfig } from '../recipe/settings.ts';
import { fillTargets, teachingOf, weightsOfClasses } from '../targets.ts';
import { type CutNet, cutFrozenFront } from './front.ts';

/** The part of a run's config that decides whether what its front gives of the images is kept. */
export type FrontSettings = Pick<
  TrainConfig,
  | ('freeze' | 'frontCache' | 'batchNorm' | 'trainImages' | 'progressive')
  | (
      | 'augment'
      | 'crop'
      | 'resizedCrop'
      | 'flip'
      | 'alternateFlip'
      | 'colorJitter'
      | 'randomErasing'
      | 'cutmixProb'
      | 'cutmixBeta'
      | 'mixupAlpha'
    )
>;

/** What may be kept of the machine's memory. */
const SHARE_OF_MEMORY = 1 / 4;

/**
 * Cuts off the frozen front of a net, to be run once on each image and not in every step, where it gives the same of an
 * image each time and there is memory for that.
 * @param model its batch may be fixed at `batch`
 * @param anyBatch the same for any batch
 * @param rates by what the learning rates of parameters are multiplied; 0: frozen
 * @returns or why not, as the end of a sentence; undefined where nothing is frozen or the cut is not wanted
 */
export function frontToKeep(
  { model, anyBatch, batch }: { model: Graph; anyBatch: Graph; batch: number },
  rates: Readonly<Record<string, number>>,
  settings: FrontSettings,
): CutNet | { reason: string } | undefined {
  if (settings.freeze.length === 0 || settings.frontCache === 'off') return undefined;
  const otherwise = whyOthersEachTime(settings);
  if (otherwise !== undefined) return { reason: otherwise };
  const sized = fixBatch(model, batch);
  const isFrozen = (name: string) => rates[name] === 0;
  // All that is frozen, or nothing: the convolutions before the first batch norm are not worth their memory.
  const cut = cutFrozenFront(sized, anyBatch, isFrozen);
  if (!cut) return { reason: 'its first layers are trained' };
  if (settings.batchNorm === 'train' && cut.front.nodes.some(({ op }) => op === 'BatchNormalization'))
    return { reason: 'batch norm goes by the batch (--batch-norm frozen)' };
  const bytes = keptBytes(cut.front, settings);
  const most = SHARE_OF_MEMORY * totalmem();
  return bytes <= most
    ? cut
    : { reason: `to keep what it gives takes ${readableBytes(bytes)} of at most ${readableBytes(most)}` };
}

/** Why an image is not the same, or one of two, in all epochs. */
function whyOthersEachTime(settings: FrontSettings): string | undefined {
  const { augment, crop, resizedCrop, colorJitter, randomErasing } = settings;
  const { cutmixProb, cutmixBeta, mixupAlpha, progressive } = settings;
  const flags = [
    augment !== 'none' && augment !== 'standard' && `--augment ${augment}`,
    augment !== 'none' && crop > 0 && `--crop ${crop}`,
    augment !== 'none' && resizedCrop > 0 && '--resized-crop',
    augment !== 'none' && colorJitter.some((strength) => strength > 0) && '--color-jitter',
    randomErasing > 0 && '--random-erasing',
    cutmixProb > 0 && cutmixBeta > 0 && '--cutmix-prob',
    mixupAlpha > 0 && '--mixup-alpha',
    progressive.length > 0 && '--progressive',
  ].filter((flag) => flag !== false);
  return flags.length === 0
    ? undefined
    : `${flags.join(', ')} make${flags.length > 1 ? '' : 's'} other images each time`;
}

/** What the front gives of an image: how many values. */
const valuesOf = (front: Graph): number => sizeOf(front.outputs[0]!.dims.slice(1).map(Number));

/** Of how many images what the front gives is kept: mirrored ones are others. */
export function imagesKept(settings: FrontSettings): number {
  return settings.trainImages * (flipsImages(settings) ? 2 : 1);
}

function keptBytes(front: Graph, settings: FrontSettings): number {
  return 4 * valuesOf(front) * imagesKept(settings);
}

function readableBytes(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toPrecision(3)} MB` : `${(bytes / 1e9).toPrecision(3)} GB`;
}

export interface FrontCacheOptions {
  settings: FrontSettings &
    Pick<TrainConfig, 'batchSize' | 'seed' | 'labelSmoothing' | 'classWeights' | 'labels'>;
  split: ImageSplit;
  size: { height: number; width: number };
  normalization: Normalization;
  classes: number;
  /** What a teacher says of the images; default: there is none. */
  teaching?: Teaching | undefined;
  threads?: number | undefined;
}

/** Draws what mirrors an image. */
const ALWAYS = { uniform: () => 0 } as Random;

/**
 * What a frozen front gives of the training images, and of their mirror images where they are mirrored: batches of it,
 * as the loader's. Of each it is computed when it is needed first, so that a run can be stopped at any time.
 */
export class FrontCache {
  readonly #normalizer: Normalizer;
  readonly #flip: HorizontalFlip;
  /** [variants, images, values] */
  readonly #kept: Float32Array;
  readonly #isKept: Uint8Array;
  readonly #values: number;
  /** [batch, 3, H, W] */
  readonly #dims: readonly number[];
  readonly #images: Float32Array;
  readonly #image: Uint8Array;

  private constructor(
    private readonly session: InferenceSession,
    private readonly front: Graph,
    private readonly options: FrontCacheOptions,
  ) {
    const { settings, split, size, normalization } = options;
    this.#normalizer = new Normalizer(normalization);
    this.#flip = new HorizontalFlip(size);
    this.#values = valuesOf(front);
    const count = split.count * (flipsImages(settings) ? 2 : 1);
    this.#kept = new Float32Array(count * this.#values);
    this.#isKept = new Uint8Array(count);
    this.#dims = front.inputs[0]!.dims.map(Number);
    this.#images = new Float32Array(sizeOf(this.#dims));
    this.#image = new Uint8Array(sizeOf(this.#dims.slice(1)));
  }

  static async open(front: Graph, options: FrontCacheOptions): Promise<FrontCache> {
    const { threads } = options;
    const session = await openSession(encodeModel(foldBatchNorm(front)), { threads, int8: false });
    return new FrontCache(session, front, options);
  }

  /** What is kept, for people. */
  get description(): string {
    const { settings, split } = this.options;
    const mirrored = flipsImages(settings) ? ' and their mirror images' : '';
    return `${split.count} images${mirrored}, ${readableBytes(this.#kept.byteLength)} in memory`;
  }

  /** The batches of an epoch from one of them on: the images of the loader's, mirrored or not as there. */
  async *epoch(epoch: number, startBatch = 0): AsyncGenerator<LabelledBatch, void, void> {
    const { settings, split, classes, teaching } = this.options;
    const { batchSize, seed, labelSmoothing: smoothing } = settings;
    const weights = weightsOfClasses(settings, split.labels);
    const order = epochOrder(split.count, seed, epoch);
    for (let first = startBatch * batchSize; first + batchSize <= split.count; first += batchSize) {
      const indices = order.subarray(first, first + batchSize);
      const places = Array.from(indices, (index) => this.#placeOf(epoch, index));
      await this.#compute(places.filter((place) => this.#isKept[place] === 0));
      const images = new Float32Array(batchSize * this.#values);
      places.forEach((place, i) => void images.set(this.#at(place), i * this.#values));
      const labels = Array.from(indices, (index) => split.labels[index]!);
      const targets = new Float32Array(batchSize * classes);
      const taught = teachingOf(teaching, indices, classes);
      fillTargets(labels, classes, targets, { smoothing, weights, teaching: taught });
      yield { images, labels, targets, size: batchSize };
    }
  }

  async close(): Promise<void> {
    await this.session.release();
  }

  /** Where what an epoch reads of an image is. */
  #placeOf(epoch: number, index: number): number {
    const { settings, split } = this.options;
    // What decides it in the loader, the first number of the image's own.
    const { seed, alternateFlip } = settings;
    const random = new Random(seed, RandomStream.image, epoch, index);
    const flips =
      flipsImages(settings) && isFlipped(random, alternateFlip ? { seed, epoch, index } : undefined);
    return flips ? split.count + index : index;
  }

  #at(place: number): Float32Array {
    return this.#kept.subarray(place * this.#values, (place + 1) * this.#values);
  }

  async #compute(places: readonly number[]): Promise<void> {
    const { images, count } = this.options.split;
    const { length } = this.#image;
    const batch = this.#dims[0]!;
    for (let first = 0; first < places.length; first += batch) {
      const some = places.slice(first, first + batch);
      some.forEach((place, i) => {
        const index = place % count;
        this.#image.set(images.subarray(index * length, (index + 1) * length));
        if (place >= count) this.#flip.apply(this.#image, ALWAYS);
        this.#normalizer.planar(this.#image, 0, this.#images, i * length, length / 3);
      });
      const feeds = { [this.front.inputs[0]!.name]: tensor(this.#images, this.#dims) };
      const results = await this.session.run(feeds);
      const values = results[this.front.outputs[0]!.name]!.data as Float32Array;
      some.forEach((place, i) => {
        this.#at(place).set(values.subarray(i * this.#values, (i + 1) * this.#values));
        this.#isKept[place] = 1;
      });
    }
  }
}
