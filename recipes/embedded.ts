import type { Recipe } from '../train/recipe/settings.ts';
import fast from './fast.ts';

/**
 * The small model in models/: as fast.ts, taught by the fine-tuned one there. 70.18 % top-1 (92.50 % top-5) on CIFAR-100 after
 * 70 epochs, 76 minutes of two cores with AMX that other work shared (models/README.md, its log beside it); without a teacher 40
 * epochs have 68.84 % (91.45 %).
 */
export default {
  ...fast,
  epochs: 70,
  teacher: 'efficientnet-lite0-cifar100',
  alternateFlip: true,
  evaluateEvery: 5,
  /** TensorFlow's convolutions in bfloat16, in hardware on CPUs that have AMX. */
  engine: 'tfjs',
  precision: 'bf16',
} satisfies Recipe;
