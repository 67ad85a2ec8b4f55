import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
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

const triple = z.tuple([z.number(), z.number(), z.number()]);
const positive = z.number().check(z.gt(0));
const share = z.number().check(z.gt(0), z.lt(1));

/** The schema of each part of the record, and what to say where it does not fit. */
const RECORD = {
  imageSize: [z.int().check(z.gte(1)), 'must be a size in pixels'],
  normalization: [
    z.object({ mean: triple, std: z.tuple([positive, positive, positive]) }),
    'must have a mean and a positive std of three numbers each',
  ],
  data: [
    z.looseObject({
      path: z.optional(z.string()),
      validation: z.optional(z.enum(['folder', 'held out'])),
      heldOut: z.optional(z.looseObject({ share, seed: z.int() })),
      hash: z.optional(z.looseObject({})),
    }),
    'must have a path, how it was read and hashes, as train writes it',
  ],
} as const;

/**
 * Reads back what {@link datasetRecord} stored; runs of older trainers have less.
 * @param source the config's path, for errors
 * @throws UserError if it is malformed
 */
export function readDatasetRecord(config: Record<string, unknown>, source: string): Partial<DatasetRecord> {
  const given = Object.entries(RECORD).filter(([key]) => config[key] !== undefined);
  const read = given.map(([key, [schema, what]]) => {
    const { success, data } = z.safeParse(schema, config[key]);
    if (!success) throw new UserError(`${source}: "${key}" ${what}`);
    return [key, data];
  });
  return Object.fromEntries(read) as Partial<DatasetRecord>;
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
