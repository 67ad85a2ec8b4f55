import type { ChartPoint, ChartSeries, LineChart } from '../../core/plot/line-chart.ts';
import type { EpochLog } from '../loop.ts';
import { bestEpoch } from './parse-epochs.ts';

/** The charts of a run or of several, by what their file is called. */
export type ChartName = 'loss' | 'top1' | 'top5' | 'learning-rate';

/** What a chart needs of a run. */
export interface Curves {
  name: string;
  epochs: readonly EpochLog[];
}

/** The images that runs were evaluated on after their epochs. */
function evaluatedOn(runs: readonly Pick<Curves, 'epochs'>[]): string {
  const sets = runs.flatMap(({ epochs }) => epochs.map(({ evaluatedOn = 'test' }) => evaluatedOn));
  return [...new Set(sets)].sort().join(' or ') || 'test';
}

/** The charts of one run: training and test (or validation) curves in a chart. */
export function runCharts(epochs: readonly EpochLog[]): Record<ChartName, LineChart> {
  const best = bestEpoch(epochs);
  const on = evaluatedOn([{ epochs }]);
  const at = best ? ` in epoch ${best.epoch + 1}` : '';
  const percentOfBest = (value: number | undefined) =>
    value !== undefined && Number.isFinite(value) ? `, best ${(100 * value).toFixed(2)} %${at}` : '';
  return {
    loss: lossChart('Loss, nats', [series('train', epochs, trainLoss), series(on, epochs, testLoss)]),
    top1: accuracyChart('Top-1 accuracy, %', [
      series('train', epochs, trainTop1),
      series(`${on}${percentOfBest(best?.testTop1)}`, epochs, testTop1),
    ]),
    top5: accuracyChart('Top-5 accuracy, %', [
      // The colour test curves have in the other charts.
      { ...series(`${on}${percentOfBest(best?.testTop5)}`, epochs, testTop5), color: 1 },
    ]),
    'learning-rate': rateChart([series('learning rate', epochs, learningRate)]),
  };
}

/** The charts that lay several runs over one another, a colour a run. */
export function comparisonCharts(
  runs: readonly Curves[],
  options: { logLoss?: boolean } = {},
): Record<ChartName, LineChart> {
  const on = evaluatedOn(runs);
  const each = (value: Value) => runs.map(({ name, epochs }) => series(name, epochs, value));
  const trainCurves = runs.map(({ name, epochs }, index) => ({
    ...series(`${name}, training`, epochs, trainLoss),
    color: index,
    dashed: true,
    legend: false,
  }));
  return {
    loss: lossChart(
      `Loss, nats: ${on} (solid) and training (dashed)`,
      [...each(testLoss), ...trainCurves],
      options.logLoss,
    ),
    top1: accuracyChart(`Top-1 accuracy on the ${on} set, %`, each(testTop1)),
    top5: accuracyChart(`Top-5 accuracy on the ${on} set, %`, each(testTop5)),
    'learning-rate': rateChart(each(learningRate)),
  };
}

type Value = (entry: EpochLog) => number;

const trainLoss: Value = (entry) => entry.trainLoss;
const testLoss: Value = (entry) => entry.testLoss;
const trainTop1: Value = (entry) => 100 * entry.trainTop1;
const testTop1: Value = (entry) => 100 * entry.testTop1;
const testTop5: Value = (entry) => 100 * entry.testTop5;
const learningRate: Value = (entry) => entry.learningRate;

function series(name: string, epochs: readonly EpochLog[], value: Value): ChartSeries {
  // Epochs count from 1 for people, as on the trainer's console.
  const points: ChartPoint[] = epochs
    .map((entry) => ({ x: entry.epoch + 1, y: value(entry) }))
    // Nothing was evaluated after the others: the line goes over them.
    .filter(({ y }) => !Number.isNaN(y));
  return { name, points };
}

function chart(title: string, lines: ChartSeries[]): LineChart {
  return { title, series: lines, xLabel: 'epoch', xIntegers: true };
}

/** A loss so many times what nine of ten losses are below would press these to the floor of a linear scale. */
const SPIKE = 5;

/** @param log default where a loss spikes, as it does when a learning rate is too high for a while */
function lossChart(title: string, lines: ChartSeries[], log = spikes(lines)): LineChart {
  return { ...chart(title, lines), yScale: log ? 'log' : 'linear' };
}

function spikes(lines: readonly ChartSeries[]): boolean {
  const losses = lines
    .flatMap(({ points }) => points.map(({ y }) => y))
    .filter((loss) => Number.isFinite(loss) && loss > 0)
    .sort((a, b) => a - b);
  const usual = losses[Math.floor(0.9 * (losses.length - 1))];
  return usual !== undefined && losses.at(-1)! > SPIKE * usual;
}

function accuracyChart(title: string, lines: ChartSeries[]): LineChart {
  return { ...chart(title, lines), yMin: 0 };
}

function rateChart(lines: ChartSeries[]): LineChart {
  return { ...chart('Learning rate at the end of the epoch', lines), yMin: 0 };
}
