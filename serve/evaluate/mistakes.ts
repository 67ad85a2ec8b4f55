/** An image and what the server said of it. */
export interface Mistake {
  /** Its place in the split. */
  image: number;
  label: number;
  /** Best first. */
  predictions: { index: number; probability: number }[];
}

const KEPT = 60;

/** Keeps the wrong answers that were given with the highest probability. */
export class MistakeList {
  #mistakes: Mistake[] = [];

  /** Counts an answer; one that is right is not kept. */
  add(answer: Mistake): void {
    const [best] = answer.predictions;
    if (!best || best.index === answer.label) return;
    this.#mistakes.push(answer);
    // Sorted now and then only: most answers of a long evaluation never come near the top.
    if (this.#mistakes.length >= 4 * KEPT) this.#mistakes = this.worst();
  }

  /** The worst first; of equals the earlier image. */
  worst(): Mistake[] {
    const certainty = ({ predictions }: Mistake): number => predictions[0]!.probability;
    return this.#mistakes.toSorted((a, b) => certainty(b) - certainty(a) || a.image - b.image).slice(0, KEPT);
  }
}
