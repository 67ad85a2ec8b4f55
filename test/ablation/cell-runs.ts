import { join } from 'node:path';
import { CELLS, type CellName } from '../../train/ablation/cells.ts';
import type { CellRun } from '../../train/ablation/results.ts';
import type { EpochLog } from '../../train/loop.ts';
import { CONFIG } from '../train/support/tiny-run.ts';

/** A complete config of a cell. */
export function cellJson(cell: CellName, seed: number, epochs: number): Record<string, unknown> {
  return { ...CONFIG, ...CELLS[cell], randomErasing: 0, mixupAlpha: 0, seed, epochs };
}

/** Epochs as a run logs them, with the accuracies given. */
export function logOf(accuracies: readonly (readonly [top1: number, top5: number])[]): EpochLog[] {
  return accuracies.map(([testTop1, testTop5], epoch) => ({
    epoch,
    learningRate: 0.1,
    trainLoss: 3,
    trainTop1: testTop1,
    testLoss: 3,
    testTop1,
    testTop5,
    imagesPerSecond: 100,
    trainSeconds: 10,
    testSeconds: 2,
  }));
}

/** A finished run as if read from disk. */
export function cellRun(
  cell: CellName,
  seed: number,
  accuracies: readonly (readonly [top1: number, top5: number])[],
  config: Record<string, unknown> = {},
): CellRun {
  const name = `${cell}-seed${seed}`;
  const epochs = accuracies.length;
  return {
    cell,
    seed,
    record: {
      name,
      path: join('out', name),
      model: CONFIG.model,
      dataset: CONFIG.dataset,
      epochsAsked: epochs,
      config: { ...cellJson(cell, seed, epochs), ...config },
      epochs: logOf(accuracies),
      changed: 0,
      state: 'finished',
    },
  };
}
