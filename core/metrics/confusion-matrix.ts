/**
 * How often images of each class were taken for each class, by the highest score. Counts agree with
 * `ClassificationMetrics`: ties go to the lower index, NaN ranks last, and where the true class's score is NaN
 * the image is a miss. Runs in Node and in browsers.
 */
export class ConfusionMatrix {
  readonly classes: number;
  /** [classes, classes], row-major: row the true class, column the prediction. */
  readonly #counts: Uint32Array;
  /** Images a class; more than the row's sum where the scores of some were all NaN. */
  readonly #images: Uint32Array;

  /** @throws RangeError if `classes` is not a positive integer */
  constructor(classes: number) {
    if (!Number.isInteger(classes) || classes < 1) {
      throw new RangeError(`classes must be a positive integer, not ${classes}`);
    }
    this.classes = classes;
    this.#counts = new Uint32Array(classes * classes);
    this.#images = new Uint32Array(classes);
  }

  /**
   * Counts a batch.
   * @param logits [n, classes], row-major
   * @param labels [n] class indices
   * @param n images in the batch; may be fewer than the arrays hold
   * @throws RangeError if an array is too short or a label is no class
   */
  add(logits: Float32Array, labels: ArrayLike<number>, n: number): void {
    if (logits.length < n * this.classes || labels.length < n) {
      throw new RangeError(
        `${n} images need ${n * this.classes} logits and ${n} labels, not ${logits.length} and ${labels.length}`,
      );
    }
    for (let i = 0; i < n; i++) {
      this.count(labels[i]!, predictedClass(logits, i * this.classes, this.classes));
    }
  }

  /**
   * Counts one image.
   * @param predicted undefined for no prediction
   * @throws RangeError if one of the two is no class
   */
  count(label: number, predicted: number | undefined): void {
    for (const index of [label, predicted ?? 0]) {
      if (!Number.isInteger(index) || index < 0 || index >= this.classes) {
        throw new RangeError(`${index} is not a class index from 0 to ${this.classes - 1}`);
      }
    }
    this.#images[label]!++;
    if (predicted !== undefined) this.#counts[label * this.classes + predicted]!++;
  }

  /** All of them, as they are now: [classes, classes], row-major. */
  get counts(): Uint32Array {
    return this.#counts.slice();
  }

  /** How many images of class `label` were taken for `predicted`. */
  at(label: number, predicted: number): number {
    return this.#counts[label * this.classes + predicted]!;
  }

  /** How many images of class `label` there were. */
  images(label: number): number {
    return this.#images[label]!;
  }

  /** How many images were taken for class `predicted`. */
  predictions(predicted: number): number {
    let sum = 0;
    for (let label = 0; label < this.classes; label++) sum += this.at(label, predicted);
    return sum;
  }

  /** The fraction of all images on the diagonal; 0 before the first. */
  accuracy(): number {
    let images = 0;
    let correct = 0;
    for (let label = 0; label < this.classes; label++) {
      images += this.images(label);
      correct += this.at(label, label);
    }
    return images === 0 ? 0 : correct / images;
  }

  /**
   * The matrix of groups of classes, e.g. superclasses: right is whatever is taken for a class of its group.
   * @param groupOf [classes] the group of each class
   * @throws RangeError if a group is not an index below `groups`
   */
  grouped(groupOf: ArrayLike<number>, groups: number): ConfusionMatrix {
    const out = new ConfusionMatrix(groups);
    for (let label = 0; label < this.classes; label++) {
      const group = out.#checkGroup(groupOf[label]);
      out.#images[group]! += this.images(label);
      for (let predicted = 0; predicted < this.classes; predicted++) {
        out.#counts[group * groups + out.#checkGroup(groupOf[predicted])]! += this.at(label, predicted);
      }
    }
    return out;
  }

  #checkGroup(group: number | undefined): number {
    if (group !== undefined && Number.isInteger(group) && group >= 0 && group < this.classes) return group;
    throw new RangeError(`${group} is not a group from 0 to ${this.classes - 1}`);
  }
}

/** The class of the highest score; undefined if every score is NaN. */
function predictedClass(scores: Float32Array, offset: number, classes: number): number | undefined {
  let best = 0;
  for (let c = 1; c < classes; c++) {
    // Not `scores[best] < scores[c]`, which a NaN as the best would never lose.
    if (scores[offset + c]! > scores[offset + best]! || Number.isNaN(scores[offset + best]!)) best = c;
  }
  return Number.isNaN(scores[offset + best]!) ? undefined : best;
}
