import { formatPercent } from '../core/cli/format.ts';
import { formatDuration, ProgressBar } from '../core/cli/progress.ts';
import { watchSignals } from '../core/cli/signals.ts';
import type { ImageDataset } from '../core/data/dataset.ts';
import { fewClasses } from '../core/metrics/few-classes.ts';
import type { TrainConfig } from './recipe/settings.ts';
import type { TrainObserver } from './trainer.ts';

/** Shows a run on the console: the estimate, a bar an epoch, a line of results after it. */
export function consoleObserver(
  { epochs, batchSize }: Pick<TrainConfig, 'epochs' | 'batchSize'>,
  dataset: Pick<ImageDataset, 'labels' | 'test' | 'validation'>,
  say: (line: string) => void,
): TrainObserver {
  const [split, images] = dataset.validation
    ? ['validation', dataset.validation.count]
    : ['test', dataset.test.count];
  let bar: ProgressBar | undefined;
  let testBar: ProgressBar | undefined;
  let smoothed = Number.NaN;
  return {
    onFallBack(reason, { epoch, batch }) {
      say(
        `${reason}; going on from the checkpoint before it, of epoch ${epoch + 1}, batch ${batch} (the damaged one is kept as damaged.safetensors)`,
      );
    },
    onTeach(done, total) {
      testBar ??= new ProgressBar({ label: 'teacher', total, unit: 'img' });
      testBar.update(done);
      if (done < total) return;
      testBar.finish();
      testBar = undefined;
    },
    onNote: say,
    onEstimate(seconds, imagesPerSecond) {
      say(
        `about ${formatDuration(seconds)} in all, evaluations included, at ${imagesPerSecond.toFixed(0)} images/s; Ctrl-C saves`,
      );
    },
    onEpochStart(epoch, batches, startBatch) {
      const total = batches * batchSize;
      bar = new ProgressBar({ label: `epoch ${epoch + 1}/${epochs}`, total, unit: 'img' });
      bar.update(startBatch * batchSize);
    },
    onStep({ progress, loss }) {
      smoothed = Number.isNaN(smoothed) ? loss : 0.95 * smoothed + 0.05 * loss;
      bar?.update(progress.batch * batchSize, `loss ${smoothed.toFixed(3)}`);
    },
    onEvaluate(done) {
      bar?.finish();
      bar = undefined;
      testBar ??= new ProgressBar({ label: split, total: images, unit: 'img' });
      testBar.update(done);
    },
    onPause() {
      for (const begun of [bar, testBar]) begun?.finish();
      bar = testBar = undefined;
    },
    onEpochEnd({ entry, improved }) {
      testBar?.finish();
      testBar = undefined;
      const top5 = fewClasses(dataset.labels) ? '' : `top-5 ${formatPercent(entry.testTop5)}, `;
      const evaluated = Number.isFinite(entry.testTop1)
        ? `${split} loss ${entry.testLoss.toFixed(4)}, top-1 ${formatPercent(entry.testTop1)}, ${top5}`
        : '';
      say(
        `epoch ${entry.epoch + 1}: train loss ${entry.trainLoss.toFixed(4)}, ${evaluated}` +
          `${entry.imagesPerSecond.toFixed(0)} img/s${improved ? ' (best)' : ''}`,
      );
    },
  };
}

/** Whether the user asked to stop. */
export interface Interrupt {
  requested(): boolean;
  /** Stops watching. */
  release(): void;
}

/** First Ctrl-C: finish the step and save. Second: leave at once. */
export function watchInterrupt(): Interrupt {
  let requested = false;
  const release = watchSignals(() => {
    requested = true;
    process.stderr.write('\nstopping after this step; once more to leave at once\n');
  });
  return { requested: () => requested, release };
}
