import type { Recipe } from '../train/recipe/settings.ts';

/**
 * To go on from a trained net (`--from`) on data of one's own: the field's usual way of fine-tuning (Kornblith et al.
 * 2019, arXiv:1805.08974), a small rate for what is learned already and a larger one for the new head.
 */
export default {
  epochs: 10,
  batchSize: 64,
  nesterov: true,
  /** A tenth of what a net from nothing takes: what the layers have learned stays near. */
  learningRate: 0.01,
  /** The head alone knows nothing yet. */
  headLr: 10,
  weightDecay: 1e-4,
  schedule: 'cosine',
  warmupFraction: 0.1,
  labelSmoothing: 0.1,
} satisfies Recipe;
