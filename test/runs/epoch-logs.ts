import type { EpochLog } from '../../train/loop.ts';

/** Epochs as a run logs them, getting better by tenths. */
export function epochLogs(count: number, top1 = 0.1): EpochLog[] {
  return Array.from({ length: count }, (_, epoch) => ({
    epoch,
    learningRate: 0.1 / (epoch + 1),
    trainLoss: 4 / (epoch + 1),
    trainTop1: top1 * (epoch + 1),
    testLoss: 4.25 / (epoch + 1),
    testTop1: top1 * (epoch + 1),
    testTop5: Math.min(1, 2 * top1 * (epoch + 1)),
    imagesPerSecond: 100 * (epoch + 1),
    trainSeconds: 10,
    testSeconds: 2,
  }));
}
