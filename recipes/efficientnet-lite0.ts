import type { Recipe } from '../train/recipe/settings.ts';
import finetune from './finetune.ts';

/**
 * EfficientNet-Lite0 with ImageNet weights (`npm run pretrained -- efficientnet-lite0` first) on CIFAR-100, the
 * default model in models/: RESULT
 */
export default {
  ...finetune,
  from: 'efficientnet-lite0',
  epochs: 11,
  learningRate: 0.03,
  /** The net sees images of 32 pixels enlarged, in its graph, to 128 in the end. */
  netSize: 128,
  /** Three epochs, four, two and two: one of 48 pixels costs a seventh of one of 128. */
  progressive: [
    { size: 48, until: 0.2727 },
    { size: 64, until: 0.6363 },
    { size: 96, until: 0.8181 },
  ],
} satisfies Recipe;
