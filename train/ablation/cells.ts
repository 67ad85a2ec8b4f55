import { UserError } from '../../core/errors.ts';
import type { TrainConfig } from '../recipe/settings.ts';

/** The settings in which the cells differ. */
export type CellSettings = Pick<TrainConfig, 'augment' | 'cutmixProb' | 'cutmixBeta'>;

/** Each cell's augmentation beside crop and flip, which all have. */
export const CELLS = {
  baseline: { augment: 'standard', cutmixProb: 0, cutmixBeta: 1 },
  cutmix: { augment: 'standard', cutmixProb: 0.5, cutmixBeta: 1 },
  autoaugment: { augment: 'autoaugment', cutmixProb: 0, cutmixBeta: 1 },
  both: { augment: 'autoaugment', cutmixProb: 0.5, cutmixBeta: 1 },
} as const satisfies Record<string, CellSettings>;

export type CellName = keyof typeof CELLS;
export const CELL_NAMES = Object.keys(CELLS) as CellName[];

/** Config keys that the cells decide; all others are the same for every run of an ablation but the seed. */
export const CELL_KEYS = Object.keys(CELLS.baseline) as (keyof CellSettings)[];

/** The config of one run: the common one with the cell's augmentation and the seed. */
export function cellConfig(common: TrainConfig, cell: CellName, seed: number): TrainConfig {
  return { ...common, ...CELLS[cell], seed };
}

/** A cell's augmentation in words, from a config of it. */
export function describeAugmentation(config: Readonly<Record<string, unknown>>): string {
  const { crop, flip, alternateFlip, augment, randomErasing, cutmixProb, cutmixBeta, mixupAlpha } = config;
  const parts: string[] = [];
  if (crop) parts.push(`random crop (padding ${crop})`);
  if (flip) parts.push(alternateFlip ? 'alternating flip' : 'flip');
  if (augment === 'autoaugment') parts.push('AutoAugment (CIFAR-10 policy)');
  if (randomErasing) parts.push(`random erasing (probability ${randomErasing})`);
  if (cutmixProb) parts.push(`CutMix (beta ${cutmixBeta}, probability ${cutmixProb})`);
  if (mixupAlpha) parts.push(`MixUp (alpha ${mixupAlpha})`);
  return parts.join(' + ') || 'none';
}

/**
 * Reads `--cells`.
 * @returns the cells in the table's order
 * @throws UserError if it is no list of cells
 */
export function parseCells(text: string): CellName[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !CELL_NAMES.some((cell) => cell === name));
  if (unknown !== undefined) {
    throw new UserError(`--cells takes a list of ${CELL_NAMES.join(', ')}; "${unknown}" is none of them`);
  }
  return CELL_NAMES.filter((cell) => names.includes(cell));
}

const MOST_SEEDS = 1000;

/**
 * Reads `--seeds`: a list such as `1,2,3`, or how many, so that `3` is the same. A comma makes a single number
 * a seed: `7,`.
 * @throws UserError if it is neither
 */
export function parseSeeds(text: string): number[] {
  const list = text.trim().replace(/,$/, '');
  const numbers = list.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (!numbers.every((number) => Number.isSafeInteger(number) && number >= 0)) {
    throw new UserError(`--seeds takes how many, e.g. 3, or a list of seeds, e.g. 1,2,3, not "${text}"`);
  }
  if (text.includes(',')) {
    const twice = numbers.find((number, index) => numbers.indexOf(number) !== index);
    if (twice !== undefined)
      throw new UserError(`--seeds has ${twice} twice; the same run would be counted twice`);
    return numbers;
  }
  const count = numbers[0]!;
  if (count < 1 || count > MOST_SEEDS) {
    throw new UserError(
      `--seeds ${count}: from 1 to ${MOST_SEEDS} of them; for seed ${count} alone write "${count},"`,
    );
  }
  return Array.from({ length: count }, (_, index) => index + 1);
}
