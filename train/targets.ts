/**
 * Turns class indices into target distributions.
 * @param labels [n] class indices
 * @param targets [n, classes], overwritten
 * @param smoothing share of the probability spread evenly over all classes (Szegedy et al. 2016,
 * arXiv:1512.00567, as PyTorch's label_smoothing)
 */
export function fillTargets(
  labels: ArrayLike<number>,
  classes: number,
  targets: Float32Array,
  smoothing = 0,
): void {
  targets.fill(smoothing / classes);
  for (let i = 0; i < labels.length; i++) targets[i * classes + labels[i]!]! += 1 - smoothing;
}
