import type { Augmentation } from '../../recipe/settings.ts';
import { ColorJitter } from './color-jitter.ts';
import { HorizontalFlip } from './horizontal-flip.ts';
import { CutMix } from './mix/cutmix.ts';
import { MixUp } from './mix/mixup.ts';
import { AutoAugment } from './policy/auto-augment.ts';
import { RandAugment } from './policy/rand-augment.ts';
import { TrivialAugmentWide } from './policy/trivial-augment.ts';
import { RandomCrop } from './random-crop.ts';
import { RandomErasing } from './random-erasing.ts';
import { RandomResizedCrop } from './random-resized-crop.ts';
import type { BatchTransform, ImageSize, ImageTransform, TensorTransform } from './transform.ts';

/** The transforms in the order they are applied: each image's bytes, its normalised values, then the batch. */
export interface AugmentPipeline {
  image: ImageTransform[];
  tensor: TensorTransform[];
  /** The first that mixes a batch is the last one tried: a batch is mixed once at most. */
  batch: BatchTransform[];
}

/**
 * The order of the usual PyTorch recipe: crop, flip, policy, colour jitter; after normalisation erasing; then CutMix or MixUp.
 * A transform is added here, and its switch to the settings of train/recipe/settings.ts.
 * @param resized what images are made after their policy and before normalisation; default: they stay as they are
 */
export function createPipeline(
  settings: Augmentation,
  size: ImageSize,
  resized: ImageSize = size,
): AugmentPipeline {
  const {
    augment,
    crop,
    resizedCrop,
    flip,
    alternateFlip,
    colorJitter,
    randomErasing,
    cutmixProb,
    cutmixBeta,
    mixupAlpha,
  } = settings;
  const pipeline: AugmentPipeline = { image: [], tensor: [], batch: [] };
  if (augment !== 'none') {
    if (resizedCrop > 0) pipeline.image.push(new RandomResizedCrop(size, resizedCrop));
    if (crop > 0) pipeline.image.push(new RandomCrop(size, crop));
    if (flip) pipeline.image.push(new HorizontalFlip(size, { alternate: alternateFlip }));
    if (augment !== 'standard') pipeline.image.push(createPolicy(augment, size));
    if (colorJitter.some((strength) => strength > 0)) pipeline.image.push(new ColorJitter(size, colorJitter));
  }
  if (randomErasing > 0) pipeline.tensor.push(new RandomErasing(resized, randomErasing));
  // A beta of 0 is no CutMix, as in its reference code.
  if (cutmixProb > 0 && cutmixBeta > 0) pipeline.batch.push(new CutMix(resized, cutmixBeta, cutmixProb));
  if (mixupAlpha > 0) pipeline.batch.push(new MixUp(mixupAlpha));
  return pipeline;
}

/** Of an augmentation what leaves an image one that the net might be asked about: its crop and flip. */
export function plain(settings: Augmentation): Augmentation {
  const augment = settings.augment === 'none' ? 'none' : 'standard';
  return { ...settings, augment, colorJitter: [], randomErasing: 0, cutmixProb: 0, mixupAlpha: 0 };
}

function createPolicy(
  name: Exclude<Augmentation['augment'], 'none' | 'standard'>,
  size: ImageSize,
): ImageTransform {
  switch (name) {
    case 'autoaugment':
      return new AutoAugment(size);
    case 'randaugment':
      return new RandAugment(size);
    case 'trivialaugment':
      return new TrivialAugmentWide(size);
  }
}
