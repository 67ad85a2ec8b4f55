import type { ClassifierMetadata } from '../../core/model-metadata.ts';
import { Random } from '../../core/random.ts';
import { isKnownDataset, loadSplit } from '../load-split.ts';
import type { ExportOptions, ImagePlace } from '../options.ts';
import { type ImageSet, picturesFor } from '../pictures.ts';

const SEED = 1;

/** Images of random bytes, the same every time. */
export function randomImages(
  count: number,
  { inputHeight, inputWidth }: Pick<ClassifierMetadata, 'inputHeight' | 'inputWidth'>,
): ImageSet {
  const random = new Random(SEED);
  const pixels = Uint8Array.from({ length: count * 3 * inputHeight * inputWidth }, () => random.integer(256));
  return { on: 'random images', count, pixels };
}

/**
 * The first test images of the dataset a model was trained on, if it is at hand and has so many; of a model of a
 * dataset that is not read here, pictures of a folder; else random ones.
 * @param place where the dataset is, if not in a default place; or the folder
 * @param multiple the set has a multiple of this many
 * @throws UserError if there is no such dataset in `data`
 */
export async function comparisonImages(
  metadata: ClassifierMetadata,
  count: number,
  multiple: number,
  place: ImagePlace,
): Promise<ImageSet> {
  const split = await loadSplit(metadata, 'test', place, (total) =>
    Array.from({ length: Math.min(Math.max(count, multiple), total) }, (_, i) => i),
  );
  const whole = (n: number): number => Math.floor(n / multiple) * multiple;
  const available = whole(split?.count ?? 0);
  if (!split || available === 0) {
    const pictures = isKnownDataset(metadata.dataset)
      ? undefined
      : await picturesFor(metadata, 'test', count, place);
    // Of few pictures, whole batches.
    const usable = whole(pictures?.count ?? 0);
    if (!pictures || usable === 0) return randomImages(Math.max(whole(count), multiple), metadata);
    return { ...pictures, count: usable };
  }
  const bytes = 3 * metadata.inputHeight * metadata.inputWidth;
  return {
    on: `test images of ${metadata.dataset}`,
    count: available,
    // Memory of its own: onnxruntime takes none that is shared.
    pixels: split.images.slice(0, available * bytes),
    labels: split.labels.slice(0, available),
  };
}

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
  { batch = 1, verifyImages, ...place }: ExportOptions,
): Promise<ImageSet> {
  if (metadata.precision === 'fp32' && verifyImages === undefined) {
    return randomImages(Math.ceil(CHECKED / batch) * batch, metadata);
  }
  const affordable = Math.floor(COMPARISON_MACS / macs);
  const count = verifyImages ?? Math.min(MAX_COMPARED, Math.max(MIN_COMPARED, affordable));
  return comparisonImages(metadata, count, batch, place);
}
