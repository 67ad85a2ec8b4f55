import { markdownTable } from '../report/markdown-table.ts';
import { ratio, threeDigits } from '../report/numbers.ts';
import type { Int8Comparison } from './measure.ts';

const HEAD = ['', 'fp32 ms', 'int8 ms', 'fp32 CPU ms', 'int8 CPU ms', 'faster', 'less CPU time'];

/** Comparisons as a Markdown table; times are of one batch. */
export function int8Table(comparisons: readonly Int8Comparison[]): string {
  const rows = comparisons.map(({ model, batchSize, fp32, int8, wallRatio, cpuRatio }) => [
    `${model}, batch ${batchSize}`,
    ...[fp32.wall, int8.wall, fp32.cpu, int8.cpu].map(threeDigits),
    ratio(wallRatio),
    ratio(cpuRatio),
  ]);
  return markdownTable(HEAD, rows);
}
