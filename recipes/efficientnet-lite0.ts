import type { Recipe } from '../train/recipe/settings.ts';
import finetune from './finetune.ts';

/**
 * EfficientNet-Lite0, fine-tuned from its ImageNet weights (`npm run pretrained -- efficientnet-lite0` comes first):
 * 78.22 % top-1 (95.64 % top-5) on CIFAR-100's test images after 14 epochs of 49,000 images (`--val-share 0.02`), 96
 * minutes of two cores with AVX-512 that other work shared. `efficientnet-lite0-160` goes on from there to the model that is
 * served by default (models/README.md, both logs beside it).
 */
export default {
  ...finetune,
  from: 'efficientnet-lite0',
  epochs: 14,
  /** The net sees images of 32 pixels enlarged, in its graph, to 128 in the end. */
  netSize: 128,
  /** Five epochs, eight and one: one of 64 pixels costs a quarter of one of 128. */
  progressive: [
    { size: 64, until: 0.3571 },
    { size: 96, until: 0.9286 },
  ],
} satisfies Recipe;
