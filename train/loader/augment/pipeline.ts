import { HorizontalFlip } from './horizontal-flip.ts';
import { CutMix } from './mix/cutmix.ts';
import { MixUp } from './mix/mixup.ts';
import type { AugmentOptions, PolicyName } from './options.ts';
import { AutoAugment } from './policy/auto-augment.ts';
import { RandAugment } from './policy/rand-augment.ts';
import { TrivialAugmentWide } from './policy/trivial-augment.ts';
import { RandomCrop } from './random-crop.ts';
import { RandomErasing } from './random-erasing.ts';
import type { BatchTransform, ImageSize, ImageTransform, TensorTransform } from './transform.ts';

/** The transforms in the order they are applied: each image's bytes, its normalised values, then the batch. */
export interface AugmentPipeline {
  image: ImageTransform[];
  tensor: TensorTransform[];
  /** The first that mixes a batch is the last one tried: a batch is mixed once at most. */
  batch: BatchTransform[];
}

/**
 * The order of the usual PyTorch recipe: crop, flip, policy; after normalisation erasing; then CutMix or MixUp.
 * A transform is added here, and its switch to {@link AugmentOptions}.
 * @param resized what images are made after their policy and before normalisation; default: they stay as they are
 */
export function createPipeline(
  options: AugmentOptions,
  size: ImageSize,
  resized: ImageSize = size,
): AugmentPipeline {
  const { crop, flip, policy, erasing, cutMix, mixUp } = options;
  const pipeline: AugmentPipeline = { image: [], tensor: [], batch: [] };
  if (crop && crop.padding > 0) pipeline.image.push(new RandomCrop(size, crop.padding));
  if (flip) pipeline.image.push(new HorizontalFlip(size));
  if (policy) pipeline.image.push(createPolicy(policy, size));
  if (erasing) pipeline.tensor.push(new RandomErasing(resized, erasing.probability));
  if (cutMix) pipeline.batch.push(new CutMix(resized, cutMix.beta, cutMix.probability));
  if (mixUp) pipeline.batch.push(new MixUp(mixUp.alpha));
  return pipeline;
}

function createPolicy(name: PolicyName, size: ImageSize): ImageTransform {
  switch (name) {
    case 'autoaugment':
      return new AutoAugment(size);
    case 'randaugment':
      return new RandAugment(size);
    case 'trivialaugment':
      return new TrivialAugmentWide(size);
  }
}
