import { UserError } from '../../../core/errors.ts';
import { AUGMENT_NAMES, type AugmentName, type AugmentOptions } from './options.ts';

/** The augmentation as a run's config.json states it. Optional keys are missing from runs made before them. */
export interface AugmentConfig {
  /** Padding of the random crop in pixels; 0: no crop. */
  crop: number;
  flip: boolean;
  /** Default `standard`. */
  augment?: AugmentName;
  /** Probability that an image is erased in part; default 0. */
  randomErasing?: number;
  /** CutMix's lambda is from Beta(beta, beta); default 1. */
  cutmixBeta?: number;
  /** Probability that a batch is mixed by CutMix; default 0. */
  cutmixProb?: number;
  /** MixUp's lambda is from Beta(alpha, alpha); default 0: no MixUp. */
  mixupAlpha?: number;
}

/**
 * What the loader is to do for a config.
 * @throws UserError if `augment` is not one of {@link AUGMENT_NAMES}
 */
export function augmentOptions(config: AugmentConfig): AugmentOptions {
  const { augment = 'standard', randomErasing = 0, cutmixBeta = 1, cutmixProb = 0, mixupAlpha = 0 } = config;
  if (!AUGMENT_NAMES.includes(augment)) {
    throw new UserError(
      `the config's augment is ${AUGMENT_NAMES.join(', ')}, not ${JSON.stringify(augment)}`,
    );
  }
  const plain = augment === 'none';
  return {
    crop: !plain && config.crop !== 0 && { padding: config.crop },
    flip: !plain && config.flip,
    ...(augment === 'none' || augment === 'standard' ? {} : { policy: augment }),
    ...(randomErasing === 0 ? {} : { erasing: { probability: randomErasing } }),
    ...(cutmixProb === 0 || cutmixBeta === 0
      ? {}
      : { cutMix: { beta: cutmixBeta, probability: cutmixProb } }),
    ...(mixupAlpha === 0 ? {} : { mixUp: { alpha: mixupAlpha } }),
  };
}
