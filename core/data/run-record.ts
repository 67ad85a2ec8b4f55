import { createHash } from 'node:crypto';
import { UserError } from '../errors.ts';
import type { DataOrigin, HeldOut, ImageDataset, ImageSplit, Normalization } from './dataset.ts';

/** What a run's config.json stores of its data beside name and labels. */
export interface DatasetRecord {
  /** Height and width. */
  imageSize: number;
  normalization: Normalization;
  /** Missing from runs of older trainers. */
  data?: DataRecord;
}

/** Where the data was, how it was read, and what it was. */
export interface DataRecord extends DataOrigin {
  /** Hashes of what was trained and evaluated on; only of what the run reads. */
  hash?: Partial<Record<Part, SplitHash>>;
}

interface SplitHash {
  /** SHA-256 of pixels and of class indices, the first 32 digits. */
  images: string;
  labels: string;
}

const PARTS = ['train', 'validation', 'test'] as const;
type Part = (typeof PARTS)[number];

/** @param trainImages how many of the training images are used; default all */
export function datasetRecord(dataset: ImageDataset, trainImages = dataset.train.count): DatasetRecord {
  const { height, normalization, origin = {} } = dataset;
  return { imageSize: height, normalization, data: { ...origin, hash: hashOf(dataset, trainImages) } };
}

function hashOf(dataset: ImageDataset, trainImages: number): Partial<Record<Part, SplitHash>> {
  return Object.fromEntries(
    PARTS.flatMap((part) => {
      const split = dataset[part];
      if (!split || split.count === 0) return [];
      return [[part, splitHash(split, part === 'train' ? trainImages : split.count)]];
    }),
  );
}

const known = new WeakMap<ImageSplit, Map<number, SplitHash>>();

/** Some 0.2 s for CIFAR-100, once a split. */
function splitHash(split: ImageSplit, count: number): SplitHash {
  const hashes = known.get(split) ?? new Map<number, SplitHash>();
  known.set(split, hashes);
  const found = hashes.get(count);
  if (found) return found;
  const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex').slice(0, 32);
  const { buffer, byteOffset } = split.labels;
  const hash = {
    images: digest(split.images.subarray(0, (split.images.length / split.count) * count)),
    labels: digest(new Uint8Array(buffer, byteOffset, count * Uint16Array.BYTES_PER_ELEMENT)),
  };
  hashes.set(count, hash);
  return hash;
}

/**
 * Refuses to go on with other data than a run was begun on. Runs of older trainers tell no more than their classes.
 * @param trainImages how many of the training images the run uses
 * @throws UserError naming what is not the same
 */
export function checkSameImages(
  record: DataRecord | undefined,
  dataset: ImageDataset,
  trainImages: number,
): void {
  if (!record?.hash) return;
  const actual = hashOf(dataset, trainImages);
  const differences = PARTS.flatMap((part) => {
    const [was, is] = [record.hash![part], actual[part]];
    // A step graph's run records its training images alone.
    if (!was) return [];
    if (!is) return [`it has no ${part} images`];
    const words = [
      ...(was.images === is.images ? [] : ['images']),
      ...(was.labels === is.labels ? [] : ['labels']),
    ];
    return words.length === 0 ? [] : [`its ${words.join(' and ')} of the ${part} split are others`];
  });
  if (differences.length === 0) return;
  const place = record.path === undefined ? '' : ` (they were in ${record.path})`;
  throw new UserError(
    `this is not the data the run was begun on: ${differences.join(', ')}; give its own with --data${place}, or begin a new run`,
  );
}

/**
 * Reads back what {@link datasetRecord} stored; runs of older trainers have less.
 * @param source the config's path, for errors
 * @throws UserError if it is malformed
 */
export function readDatasetRecord(config: Record<string, unknown>, source: string): Partial<DatasetRecord> {
  const { imageSize, normalization, data } = config;
  const record: Partial<DatasetRecord> = {};
  if (imageSize !== undefined) {
    if (!Number.isSafeInteger(imageSize) || (imageSize as number) < 1) {
      throw new UserError(`${source}: "imageSize" must be a size in pixels`);
    }
    record.imageSize = imageSize as number;
  }
  if (normalization !== undefined) {
    const { mean, std } = (normalization ?? {}) as Record<string, unknown>;
    if (!isTriple(mean) || !isTriple(std) || std.some((value) => value <= 0)) {
      throw new UserError(
        `${source}: "normalization" must have a mean and a positive std of three numbers each`,
      );
    }
    record.normalization = { mean, std };
  }
  if (data !== undefined) {
    if (!isDataRecord(data)) {
      throw new UserError(
        `${source}: "data" must have a path, how it was read and hashes, as train writes it`,
      );
    }
    record.data = data;
  }
  return record;
}

/**
 * Refuses held-out images that are not those of the run: others may have been trained on.
 * @throws UserError if they are not
 */
export function checkHeldOut(
  record: DataRecord | undefined,
  split: 'validation' | 'test',
  images: ImageSplit,
): void {
  const was = record?.hash?.[split];
  if (!record?.heldOut || !was) return;
  const is = splitHash(images, images.count);
  if (is.images === was.images && is.labels === was.labels) return;
  throw new UserError(
    'the images held out now are not those that the run held out, for its data has changed, so that some may have been trained on; restore the data, or test on another with --data',
  );
}

/** How a run's data is read again: in the same way, also where a later version would read it otherwise. */
export function rereadOptions({ imageSize, normalization, data }: Partial<DatasetRecord>): {
  imageSize?: number;
  normalization?: Normalization;
  heldOut?: HeldOut;
  validation: boolean;
  skipBroken: boolean;
} {
  return {
    ...(imageSize === undefined ? {} : { imageSize }),
    ...(normalization ? { normalization } : {}),
    ...(data?.heldOut ? { heldOut: data.heldOut } : {}),
    validation: data?.validation !== undefined,
    skipBroken: data?.skipBroken ?? false,
  };
}

function isDataRecord(value: unknown): value is DataRecord {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const { path, validation, heldOut, hash } = value as Record<string, unknown>;
  if (path !== undefined && typeof path !== 'string') return false;
  if (validation !== undefined && validation !== 'folder' && validation !== 'held out') return false;
  if (heldOut !== undefined) {
    const { share, seed } = (heldOut ?? {}) as Record<string, unknown>;
    if (!Number.isFinite(share) || !((share as number) > 0 && (share as number) < 1)) return false;
    if (!Number.isSafeInteger(seed)) return false;
  }
  return hash === undefined || (typeof hash === 'object' && hash !== null);
}

function isTriple(value: unknown): value is [number, number, number] {
  return Array.isArray(value) && value.length === 3 && value.every(Number.isFinite);
}
