import { UserError } from '../../../core/errors.ts';
import type { AugmentConfig } from './augment-config.ts';
import { AUGMENT_NAMES, type AugmentName } from './options.ts';

/** The options with which a command line says how to augment. */
export const AUGMENT_CLI_OPTIONS = {
  augment: {
    type: 'string',
    value: 'NAME',
    help: 'per image: standard is crop and flip, the last three a policy of operations after them',
    default: 'standard',
    choices: AUGMENT_NAMES,
  },
  crop: { type: 'integer', help: 'padding of the random crop in pixels; 0: none', default: 4, min: 0 },
  flip: { type: 'boolean', help: 'random horizontal flip', default: true },
  'random-erasing': {
    type: 'number',
    value: 'P',
    help: 'probability that a rectangle of an image is erased',
    default: 0,
    min: 0,
    max: 1,
  },
  'cutmix-prob': {
    type: 'number',
    value: 'P',
    help: 'probability that a batch is mixed by CutMix',
    default: 0,
    min: 0,
    max: 1,
  },
  beta: {
    type: 'number',
    help: "CutMix's lambda is drawn from Beta(N, N); 0: no CutMix",
    default: 1,
    min: 0,
  },
  'mixup-alpha': {
    type: 'number',
    help: "MixUp's lambda is drawn from Beta(N, N), for batches that CutMix leaves alone; 0: no MixUp",
    default: 0,
    min: 0,
  },
} as const;

/** What {@link AUGMENT_CLI_OPTIONS} parse to. */
export interface AugmentCliValues {
  augment: string;
  crop: number;
  flip: boolean;
  randomErasing: number;
  cutmixProb: number;
  beta: number;
  mixupAlpha: number;
}

/**
 * The config that the parsed options ask for.
 * @param given the options that were given and not left at their default
 * @throws UserError if two of them contradict each other
 */
export function augmentConfig(
  options: AugmentCliValues,
  given: ReadonlySet<string>,
): Required<AugmentConfig> {
  const augment = options.augment as AugmentName;
  const none = augment === 'none';
  if (none && ((given.has('crop') && options.crop > 0) || (given.has('flip') && options.flip))) {
    throw new UserError('--augment none takes images as they are; leave out --crop and --flip');
  }
  return {
    augment,
    crop: none ? 0 : options.crop,
    flip: !none && options.flip,
    randomErasing: options.randomErasing,
    cutmixBeta: options.beta,
    cutmixProb: options.cutmixProb,
    mixupAlpha: options.mixupAlpha,
  };
}
