import type { Recipe } from '../train/recipe/settings.ts';
import finetune from './finetune.ts';

/**
 * What comes after `efficientnet-lite0-160`: smaller rates, and a last epoch on images that are cropped and flipped only.
 */
export default {
  ...finetune,
  /** Where `--preset efficientnet-lite0-160 --run runs/lite0-160` left it. */
  from: 'runs/lite0-160',
  epochs: 4,
  learningRate: 0.005,
  headLr: 1,
  augment: 'randaugment',
  cutmixProb: 0.5,
  netSize: 160,
  plainEpochs: 1,
} satisfies Recipe;
