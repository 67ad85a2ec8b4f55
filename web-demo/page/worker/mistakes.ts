import { probabilitiesOf, type ScoreKind } from '../../../core/metrics/scores.ts';
import { topK } from '../../../core/metrics/top-k.ts';
import type { Mistake } from './protocol.ts';

/** Keeps the mistakes that a model was surest of. */
export class WorstMistakes {
  readonly #limit: number;
  #kept: Mistake[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The surest first. */
  get list(): readonly Mistake[] {
    return this.#kept;
  }

  /**
   * Looks at one picture.
   * @param logits [classes]
   * @param kind how they become probabilities
   * @param shown what it looks like, asked for if it is kept
   */
  add(
    picture: Pick<Mistake, 'record' | 'name' | 'truth'>,
    logits: Float32Array,
    kind: ScoreKind | undefined,
    shown: () => Pick<Mistake, 'width' | 'height' | 'rgba'>,
  ): void {
    const [guess] = topK(logits, 1);
    if (guess === undefined || guess === picture.truth) return;
    const probability = probabilitiesOf(logits, kind)[guess]!;
    if (this.#kept.length === this.#limit && !(probability > this.#kept.at(-1)!.probability)) return;
    this.#kept.push({ ...picture, guess, probability, ...shown() });
    this.#kept.sort((a, b) => b.probability - a.probability || a.record - b.record);
    this.#kept.length = Math.min(this.#kept.length, this.#limit);
  }
}
