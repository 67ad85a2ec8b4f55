import { probabilitiesOf, type ScoreKind } from '../../../core/metrics/scores.ts';
import { topK } from '../../../core/metrics/top-k.ts';
import type { CifarRecords } from '../test-set/records.ts';
import type { Mistake } from './protocol.ts';

type Candidate = Omit<Mistake, 'rgba'>;

/** Keeps the mistakes that a model was surest of. */
export class WorstMistakes {
  readonly #limit: number;
  #kept: Candidate[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Looks at one picture.
   * @param logits [classes]
   * @param kind how they become probabilities
   */
  add(record: number, truth: number, logits: Float32Array, kind?: ScoreKind): void {
    const [guess] = topK(logits, 1);
    if (guess === undefined || guess === truth) return;
    const probability = probabilitiesOf(logits, kind)[guess]!;
    if (this.#kept.length === this.#limit && !(probability > this.#kept.at(-1)!.probability)) return;
    this.#kept.push({ record, truth, guess, probability });
    this.#kept.sort((a, b) => b.probability - a.probability || a.record - b.record);
    this.#kept.length = Math.min(this.#kept.length, this.#limit);
  }

  /** The surest first, with their pixels. */
  list(records: CifarRecords): Mistake[] {
    return this.#kept.map((mistake) => ({ ...mistake, rgba: records.rgba(mistake.record) }));
  }
}
