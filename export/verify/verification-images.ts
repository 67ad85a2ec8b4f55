import type { ClassifierMetadata } from '../../core/model-metadata.ts';
import type { ExportOptions } from '../options.ts';
import { comparisonImages, type ImageSet, randomImages } from './images.ts';

/** Multiply-accumulates that a comparison of precisions may cost by default: seconds a model. */
const COMPARISON_MACS = 2e11;
const MIN_COMPARED = 100;
const MAX_COMPARED = 1000;
/** Enough for a batch of one and one of several. */
const CHECKED = 6;

/**
 * The images to verify an export on: a few random ones for float32, which agrees on any; for lower precisions as many
 * test images as the model's size allows, unless the options say how many.
 * @param macs of the model, for one image
 * @throws UserError if there is no such dataset where the options say
 */
export async function verificationImages(
  metadata: ClassifierMetadata,
  macs: number,
  { batch = 1, verifyImages, data }: ExportOptions,
): Promise<ImageSet> {
  if (metadata.precision === 'fp32' && verifyImages === undefined) {
    return randomImages(Math.ceil(CHECKED / batch) * batch, metadata);
  }
  const affordable = Math.floor(COMPARISON_MACS / macs);
  const count = verifyImages ?? Math.min(MAX_COMPARED, Math.max(MIN_COMPARED, affordable));
  return comparisonImages(metadata, count, batch, data);
}
