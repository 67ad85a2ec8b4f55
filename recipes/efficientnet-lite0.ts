import type { Recipe } from '../train/recipe/settings.ts';
import finetune from './finetune.ts';

/**
 * EfficientNet-Lite0, fine-tuned from its ImageNet weights (`npm run pretrained -- efficientnet-lite0` comes first):
 * 74.08 % top-1 (94.20 % top-5) on CIFAR-100's test images after 11 epochs of 49,000 images (`--val-share 0.02`), 93
 * minutes of one core with AVX-512; 74.02 % (94.21 %) in int8, which is the model that is served by default
 * (models/README.md, its log beside it).
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
