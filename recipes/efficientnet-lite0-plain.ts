import type { Recipe } from '../train/recipe/settings.ts';
import finetune from './finetune.ts';

/**
 * What comes after `efficientnet-lite0-160`: the same once more, with a last epoch on images that are cropped and flipped
 * only; it makes the model that is served by default. 80.91 % top-1 (96.68 % top-5) on CIFAR-100's test images after 4
 * epochs of 49,000 images (`--val-share 0.02`), 98 minutes of two cores with AVX-512 that other work shared
 * (models/README.md, its log beside it); 80.81 % (96.66 %) in int8.
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
