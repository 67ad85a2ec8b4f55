import { UserError } from '../../core/errors.ts';

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
