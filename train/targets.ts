import type { BatchMix } from './loader/augment/transform.ts';

/**
 * Turns class indices into target distributions.
 * @param labels [n] class indices
 * @param targets [n, classes], overwritten
 * @param smoothing share of the probability spread evenly over all classes (Szegedy et al. 2016,
 * arXiv:1512.00567, as PyTorch's label_smoothing)
 * @param mix how the images were mixed; the loss against the mixture of two targets is the mixture of the two
 * losses that CutMix's and MixUp's reference codes take
 */
export function fillTargets(
  labels: ArrayLike<number>,
  classes: number,
  targets: Float32Array,
  smoothing = 0,
  mix?: BatchMix,
): void {
  targets.fill(smoothing / classes);
  const { lambda, partner } = mix ?? { lambda: 1 };
  for (let i = 0; i < labels.length; i++) {
    targets[i * classes + labels[i]!]! += (1 - smoothing) * lambda;
    if (partner) targets[i * classes + labels[partner[i]!]!]! += (1 - smoothing) * (1 - lambda);
  }
}
