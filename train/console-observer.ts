import { formatPercent } from '../core/cli/format.ts';
import { formatDuration, ProgressBar } from '../core/cli/progress.ts';
import type { TrainObserver } from './trainer.ts';

/** Shows a run on the console: the estimate, a bar an epoch, a line of results after it. */
export function consoleObserver(
  epochs: number,
  batchSize: number,
  testImages: number,
  say: (line: string) => void,
): TrainObserver {
  let bar: ProgressBar | undefined;
  let testBar: ProgressBar | undefined;
  let smoothed = Number.NaN;
  return {
    onEstimate(seconds, imagesPerSecond) {
      say(`about ${formatDuration(seconds)} in all at ${imagesPerSecond.toFixed(0)} images/s; Ctrl-C saves`);
    },
    onEpochStart(epoch, batches, startBatch) {
      const total = batches * batchSize;
      bar = new ProgressBar({ label: `epoch ${epoch + 1}/${epochs}`, total, unit: 'img' });
      bar.update(startBatch * batchSize);
    },
    onBatch(batchesDone, loss) {
      smoothed = Number.isNaN(smoothed) ? loss : 0.95 * smoothed + 0.05 * loss;
      bar?.update(batchesDone * batchSize, `loss ${smoothed.toFixed(3)}`);
    },
    onEvaluate(images) {
      bar?.finish();
      bar = undefined;
      testBar ??= new ProgressBar({ label: 'test', total: testImages, unit: 'img' });
      testBar.update(images);
    },
    onEpochEnd(entry, improved) {
      testBar?.finish();
      testBar = undefined;
      say(
        `epoch ${entry.epoch + 1}: train loss ${entry.trainLoss.toFixed(4)}, test loss ${entry.testLoss.toFixed(4)}, ` +
          `top-1 ${formatPercent(entry.testTop1)}, top-5 ${formatPercent(entry.testTop5)}, ` +
          `${entry.imagesPerSecond.toFixed(0)} img/s${improved ? ' (best)' : ''}`,
      );
    },
  };
}
