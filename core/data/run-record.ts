import { UserError } from '../errors.ts';
import type { ImageDataset, Normalization } from './dataset.ts';

/** What a run's config.json stores of its data beside name and labels: what its model's input must be like. */
export interface DatasetRecord {
  /** Height and width. */
  imageSize: number;
  normalization: Normalization;
}

export function datasetRecord(dataset: ImageDataset): DatasetRecord {
  const { height, normalization } = dataset;
  return { imageSize: height, normalization };
}

/**
 * Reads back what {@link datasetRecord} stored; runs of older trainers have neither.
 * @param source the config's path, for errors
 * @throws UserError if it is malformed
 */
export function readDatasetRecord(config: Record<string, unknown>, source: string): Partial<DatasetRecord> {
  const { imageSize, normalization } = config;
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
  return record;
}

function isTriple(value: unknown): value is [number, number, number] {
  return Array.isArray(value) && value.length === 3 && value.every(Number.isFinite);
}
