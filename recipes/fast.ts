import type { Recipe } from '../train/recipe/settings.ts';

/**
 * ResNet-14t on growing images, for CPUs: 68.29 % top-1 (91.35 % top-5) on CIFAR-100 after 36 epochs, 45 minutes of
 * two cores (docs/accuracy-per-hour.md, its log beside it). A small file, 1.6 MB; quarter-hour.ts has as much in a third of the time.
 */
export default {
  /** Little work at full resolution: 385,748 parameters, 16-48-96 channels. */
  model: 'resnet14t',
  epochs: 36,
  batchSize: 128,
  nesterov: true,
  weightDecay: 5e-4,
  /** One cycle up to a high peak and to zero while the images are whole (Smith & Topin 2018, arXiv:1708.07120). */
  schedule: 'onecycle',
  learningRate: 0.2,
  warmupFraction: 0.15,
  /**
   * An epoch at 16 pixels costs a third of one at 32 (progressive resizing, as in fast.ai's DAWNBench entries and
   * Tan & Le 2021, arXiv:2104.00298).
   */
  progressive: [
    { size: 16, until: 0.3 },
    { size: 24, until: 0.6 },
  ],
} satisfies Recipe;
