import { countMacs } from '../../core/onnx/count-macs.ts';
import { measuredNet } from '../children/measured-net.ts';
import type { Comparison } from '../compare.ts';
import type { Int8Comparison } from '../int8/measure.ts';
import { int8Table } from '../int8/table.ts';
import type { ServeComparison } from '../serve/measure.ts';
import { serveTable } from '../serve/table.ts';
import type { LoaderResult } from '../suites.ts';
import { forwardTraffic } from '../traffic.ts';
import { comparisonTable } from './comparison-table.ts';
import { markdownTable } from './markdown-table.ts';
import { ratio, threeDigits } from './numbers.ts';
import { type RooflinePoint, renderRoofline } from './roofline.ts';

/** All that a run of the bench found; the suites that did not run are absent. */
export interface BenchResults {
  /** Processor, cores, versions, date. */
  machine: string[];
  /** The command that found it. */
  command: string;
  /** In GB/s. */
  bandwidth?: number;
  train?: Comparison[];
  forward?: Comparison[];
  scaling?: Comparison[];
  data?: LoaderResult[];
  int8?: Int8Comparison[];
  serve?: ServeComparison[];
}

const TITLES = { train: 'Training step', forward: 'Forward pass', scaling: 'Growth' } as const;

/** The results as Markdown. */
export function markdownReport(results: BenchResults): string {
  const parts = [
    `${results.machine.join('; ')}. Made by \`${results.command}\`: the rows of a table were measured by turns in one run; medians, ` +
      'and ± is half the spread of the middle half of the rounds. Ratios are medians over the rounds, of the same round each.\n',
  ];
  for (const suite of ['train', 'forward', 'scaling'] as const) {
    const comparisons = results[suite];
    if (comparisons) parts.push(`## ${TITLES[suite]}\n`, ...comparisons.map(comparisonTable));
  }
  if (results.data) {
    const rows = results.data.map((row) => [
      `${row.model}, batch ${row.batchSize}`,
      threeDigits(row.loaderImagesPerSecond),
      threeDigits(row.trainerImagesPerSecond),
      ratio(row.ratio),
    ]);
    parts.push(
      '## Data pipeline\n',
      'Crop, flip, AutoAugment and CutMix on one thread, against what the trainer consumes on one thread.\n',
      markdownTable(['', 'pipeline img/s', 'trainer img/s', 'ratio'], rows),
      '',
    );
  }
  if (results.int8) parts.push('## int8 against fp32\n', int8Table(results.int8), '');
  if (results.serve) parts.push('## Serving\n', ...results.serve.map(serveTable));
  return parts.join('\n');
}

/** The roofline of the suites `train` and `forward`; undefined without them. */
export async function roofline(results: BenchResults): Promise<string | undefined> {
  const comparisons = [...(results.train ?? []), ...(results.forward ?? [])];
  if (comparisons.length === 0 || results.bandwidth === undefined) return undefined;
  const points = (suite: 'train' | 'forward', kind: string): Promise<RooflinePoint[]> =>
    Promise.all(
      (results[suite] ?? []).map(async ({ model, batchSize, results: rows }) => {
        const graph = await measuredNet(model);
        return {
          name: model,
          kind,
          // Training moves about as many times more bytes as it computes more: the same intensity.
          intensity: (2 * countMacs(graph)) / forwardTraffic(graph, batchSize),
          gflops: rows[0]!.gflops,
        };
      }),
    );
  return renderRoofline({
    title: 'Roofline of our fp32 engine',
    peakGflops: Math.max(...comparisons.map(({ peakGflops }) => peakGflops)),
    bandwidth: results.bandwidth,
    points: [...(await points('train', 'training step')), ...(await points('forward', 'forward pass'))],
  });
}
