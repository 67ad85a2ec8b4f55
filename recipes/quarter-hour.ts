import type { Recipe } from '../train/recipe/settings.ts';

/**
 * The most that a quarter of an hour gives: 68.55 % top-1 (91.07 % top-5) on CIFAR-100 after 9 epochs, 16 minutes of two
 * cores with AVX-512 and BF16 (docs/accuracy-per-hour.md, its log beside it). hour.ts goes on from here.
 */
export default {
  /** Learns in fewer images than a ResNet of as many multiplications; 1,995,932 parameters. */
  model: 'airbench94',
  epochs: 9,
  batchSize: 256,
  /** The first conv's filters whiten the images from the beginning, and stay. */
  freeze: ['whiten.weight'],
  /** What they give of an image is another in each epoch. */
  frontCache: 'off',
  nesterov: true,
  momentum: 0.85,
  weightDecay: 1e-3,
  noBiasDecay: true,
  /** Biases learn faster, and the head slower: the speed-runs divide the scores by 9, which makes 1/81 of its rate. */
  biasLr: 16,
  headLr: 1 / 81,
  /** One cycle up to a high peak, and to zero while the images are whole. */
  schedule: 'onecycle',
  learningRate: 1,
  warmupFraction: 0.23,
  labelSmoothing: 0.1,
  crop: 2,
  alternateFlip: true,
  /** Images that grow: an epoch at 16 pixels costs a quarter of one at 32. */
  progressive: [
    { size: 16, until: 0.3 },
    { size: 24, until: 0.6 },
  ],
} satisfies Recipe;
