import { isBetter } from '../../core/metrics/classification-metrics.ts';
import type { EpochLog } from '../loop.ts';

const NUMBERS = [
  'learningRate',
  'trainLoss',
  'trainTop1',
  'testLoss',
  'testTop1',
  'testTop5',
  'imagesPerSecond',
  'trainSeconds',
  'testSeconds',
] as const satisfies readonly (keyof EpochLog)[];

/**
 * The epochs in a log's entries, by rising epoch. What is no entry of an epoch is left out, a number that is
 * missing is NaN, and of an epoch logged twice the later entry counts.
 */
export function parseEpochs(entries: readonly unknown[]): EpochLog[] {
  const byEpoch = new Map<number, EpochLog>();
  for (const entry of entries) {
    const parsed = parseEpoch(entry);
    if (parsed) byEpoch.set(parsed.epoch, parsed);
  }
  return [...byEpoch.values()].sort((a, b) => a.epoch - b.epoch);
}

function parseEpoch(entry: unknown): EpochLog | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined;
  const values = entry as Record<string, unknown>;
  if (!Number.isSafeInteger(values.epoch) || (values.epoch as number) < 0) return undefined;
  const numbers = Object.fromEntries(
    NUMBERS.map((key) => [key, typeof values[key] === 'number' ? values[key] : Number.NaN]),
  ) as Record<(typeof NUMBERS)[number], number>;
  return {
    ...{ epoch: values.epoch as number, ...numbers },
    ...(Number.isSafeInteger(values.testImages) && { testImages: values.testImages as number }),
    ...(values.evaluatedOn === 'validation' && { evaluatedOn: 'validation' }),
  };
}

/** The one that `best.safetensors` has. */
export function bestEpoch(epochs: readonly EpochLog[]): EpochLog | undefined {
  const accuracy = ({ testTop1, testLoss }: EpochLog) => ({ top1: testTop1, loss: testLoss });
  let best: EpochLog | undefined;
  for (const entry of epochs.filter(({ testTop1 }) => Number.isFinite(testTop1))) {
    if (isBetter(accuracy(entry), best && accuracy(best))) best = entry;
  }
  return best;
}
