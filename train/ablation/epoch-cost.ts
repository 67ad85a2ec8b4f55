import type { EpochLog } from '../loop.ts';
import type { CellName } from './cells.ts';

/** What a run still needs. */
export interface EpochsLeft {
  cell: CellName;
  epochs: number;
}

/** Seconds that epochs take here, to tell how long runs will: by cell where one has been trained. */
export class EpochCost {
  readonly #measured = new Map<CellName, { seconds: number; epochs: number }>();

  /** Learns from epochs just trained on this machine. */
  add(cell: CellName, epochs: readonly Pick<EpochLog, 'trainSeconds' | 'testSeconds'>[]): void {
    const sum = this.#measured.get(cell) ?? { seconds: 0, epochs: 0 };
    for (const { trainSeconds, testSeconds } of epochs) sum.seconds += trainSeconds + testSeconds;
    sum.epochs += epochs.length;
    if (sum.epochs > 0) this.#measured.set(cell, sum);
  }

  /**
   * @param guess seconds an epoch for as long as none has been trained
   * @returns NaN if there is nothing to go by
   */
  seconds(left: readonly EpochsLeft[], guess = Number.NaN): number {
    const all = [...this.#measured.values()];
    const epochs = all.reduce((sum, cell) => sum + cell.epochs, 0);
    const mean = epochs > 0 ? all.reduce((sum, cell) => sum + cell.seconds, 0) / epochs : guess;
    return left.reduce((sum, { cell, epochs }) => {
      const own = this.#measured.get(cell);
      return sum + epochs * (own ? own.seconds / own.epochs : mean);
    }, 0);
  }
}
