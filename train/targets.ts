import type { Teaching } from './distillation.ts';
import type { BatchMix } from './loader/augment/transform.ts';
import type { TrainConfig } from './recipe/settings.ts';

/** How the targets of a batch are made. */
export interface TargetOptions {
  /** Share of the probability spread evenly over all classes (Szegedy et al. 2016, arXiv:1512.00567); default 0. */
  smoothing?: number | undefined;
  /** How the images were mixed; default: not. */
  mix?: BatchMix | undefined;
  /** How much each class counts; default: all alike. */
  weights?: ArrayLike<number> | undefined;
  /** What a teacher says of the images; its weight is the share that the labels, smoothed, do not have. */
  teaching?: { of: (i: number) => Float32Array; weight: number } | undefined;
}

/**
 * Turns class indices into what the loss, the mean over images of -sum(target * log p), compares with: distributions,
 * multiplied by the weights of the classes, so that the loss is PyTorch's `CrossEntropyLoss(weight, label_smoothing)`.
 * Of batches that are not mixed, PyTorch, given class indices, divides the sum by the weights of the images' classes;
 * of those that are, given distributions, by the number of images. `balanced` weights have a mean of 1 over the training
 * images, so that the two are alike on average.
 *
 * The loss against the mixture of two targets is the mixture of the two losses that CutMix's and MixUp's reference
 * codes take.
 * @param labels [n] class indices
 * @param targets [n, classes], overwritten
 */
export function fillTargets(
  labels: ArrayLike<number>,
  classes: number,
  targets: Float32Array,
  { smoothing = 0, mix, weights, teaching }: TargetOptions = {},
): void {
  const share = 1 - (teaching?.weight ?? 0);
  targets.fill((share * smoothing) / classes);
  const { lambda, partner } = mix ?? { lambda: 1 };
  for (let i = 0; i < labels.length; i++) {
    targets[i * classes + labels[i]!]! += share * (1 - smoothing) * lambda;
    if (partner) targets[i * classes + labels[partner[i]!]!]! += share * (1 - smoothing) * (1 - lambda);
    if (!teaching) continue;
    const [own, other] = [teaching.of(i), partner && teaching.of(partner[i]!)];
    for (let k = 0; k < classes; k++) {
      const said = lambda * own[k]! + (other ? (1 - lambda) * other[k]! : 0);
      targets[i * classes + k]! += teaching.weight * said;
    }
  }
  if (weights) weigh(labels, classes, targets, weights, mix !== undefined);
}

/** What a teacher says of the images of a batch. */
export function teachingOf(
  teaching: Teaching | undefined,
  indices: ArrayLike<number>,
  classes: number,
): TargetOptions['teaching'] {
  if (!teaching) return undefined;
  const { probabilities, weight } = teaching;
  const of = (i: number) => probabilities.subarray(indices[i]! * classes, (indices[i]! + 1) * classes);
  return { of, weight };
}

function weigh(
  labels: ArrayLike<number>,
  classes: number,
  targets: Float32Array,
  weights: ArrayLike<number>,
  isMixed: boolean,
): void {
  let sum = 0;
  for (let i = 0; i < labels.length; i++) sum += weights[labels[i]!]!;
  // A batch of none but classes that do not count teaches nothing; PyTorch divides by 0.
  const scale = isMixed ? 1 : sum === 0 ? 0 : labels.length / sum;
  for (let i = 0; i < labels.length; i++) {
    for (let k = 0; k < classes; k++) targets[i * classes + k]! *= scale * weights[k]!;
  }
}

/**
 * The weights with which all classes count alike, as scikit-learn's `balanced`: images / (classes * images of the
 * class). Classes without images, which nothing weighs, have 1.
 */
export function balancedWeights(labels: ArrayLike<number>, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (let i = 0; i < labels.length; i++) counts[labels[i]!]!++;
  const present = counts.filter((count) => count > 0).length;
  return counts.map((count) => (count === 0 ? 1 : labels.length / (present * count)));
}

/**
 * How much each class counts in the loss of a run; undefined: all alike.
 * @param trained the labels of its training images
 */
export function weightsOfClasses(
  { classWeights, labels }: Pick<TrainConfig, 'classWeights' | 'labels'>,
  trained: ArrayLike<number>,
): readonly number[] | undefined {
  if (classWeights === undefined) return undefined;
  if (classWeights === 'balanced') return balancedWeights(trained, labels.length);
  if (Array.isArray(classWeights)) return classWeights;
  return labels.map((label) => (Object.hasOwn(classWeights, label) ? classWeights[label]! : 1));
}
