import { UserError } from '../../../core/errors.ts';
import type { AUGMENTATION, TrainConfig } from '../../recipe/settings.ts';

/**
 * Ways to augment single images: `none` takes them as they are, `standard` is random crop and flip, the others
 * are crop, flip and then a policy of image operations.
 */
export const AUGMENT_NAMES = ['none', 'standard', 'autoaugment', 'randaugment', 'trivialaugment'] as const;
export type AugmentName = (typeof AUGMENT_NAMES)[number];

/** The policies that may follow crop and flip. */
export type PolicyName = Exclude<AugmentName, 'none' | 'standard'>;

/** Which augmentations to apply; plain data, for it is sent to the workers. Absent: not applied. */
export interface AugmentOptions {
  /** Random crop after padding each side by so many pixels. */
  crop: { padding: number } | false;
  /** Random horizontal flip. */
  flip: boolean;
  policy?: PolicyName;
  /** Random Erasing of an image with this probability. */
  erasing?: { probability: number };
  /** CutMix of a batch with this probability; lambda from Beta(beta, beta). */
  cutMix?: { beta: number; probability: number };
  /** MixUp of every batch that CutMix leaves alone; lambda from Beta(alpha, alpha). */
  mixUp?: { alpha: number };
}

/** The augmentation as a run's config states it. */
export type AugmentConfig = Pick<TrainConfig, keyof typeof AUGMENTATION>;

/** What the loader is to do for a config. */
export function augmentOptions(config: AugmentConfig): AugmentOptions {
  const { augment, crop, flip, randomErasing, cutmixBeta, cutmixProb, mixupAlpha } = config;
  const plain = augment === 'none';
  return {
    crop: !plain && crop !== 0 && { padding: crop },
    flip: !plain && flip,
    ...(augment === 'none' || augment === 'standard' ? {} : { policy: augment }),
    ...(randomErasing === 0 ? {} : { erasing: { probability: randomErasing } }),
    ...(cutmixProb === 0 || cutmixBeta === 0
      ? {}
      : { cutMix: { beta: cutmixBeta, probability: cutmixProb } }),
    ...(mixupAlpha === 0 ? {} : { mixUp: { alpha: mixupAlpha } }),
  };
}

/** @throws UserError if an option is out of range */
export function checkAugmentOptions({ crop, erasing, cutMix, mixUp }: AugmentOptions): void {
  if (crop && (!Number.isSafeInteger(crop.padding) || crop.padding < 0)) {
    throw new UserError(`the crop padding must be a whole number from 0 on, not ${crop.padding}`);
  }
  if (erasing) checkProbability('random erasing', erasing.probability);
  if (cutMix) {
    checkProbability('CutMix', cutMix.probability);
    checkPositive("CutMix's beta", cutMix.beta);
  }
  if (mixUp) checkPositive("MixUp's alpha", mixUp.alpha);
}

function checkProbability(of: string, value: number): void {
  if (!(value >= 0 && value <= 1)) {
    throw new UserError(`the probability of ${of} must be from 0 to 1, not ${value}`);
  }
}

function checkPositive(name: string, value: number): void {
  if (!(value > 0 && Number.isFinite(value))) throw new UserError(`${name} must be above 0, not ${value}`);
}
