import type { Comparison } from '../compare.ts';
import { markdownTable } from './markdown-table.ts';
import { megabytes, percent, ratio, threeDigits } from './numbers.ts';

const HEAD = [
  '',
  'img/s',
  '±',
  'to PyTorch fp32',
  'to PyTorch bf16',
  'GFLOPS',
  'of GEMM peak',
  'peak memory',
  'start to first batch',
];

/** A comparison as a headed Markdown table. */
export function comparisonTable({ model, batchSize, threads, results, peakGflops }: Comparison): string {
  const rows = results.map((result) => [
    result.contestant,
    threeDigits(result.imagesPerSecond),
    percent(result.spread),
    ratio(result.toTorchFp32),
    ratio(result.toTorchBf16),
    threeDigits(result.gflops),
    percent(result.shareOfPeak),
    megabytes(result.peakBytes),
    `${result.setupSeconds.toFixed(1)} s`,
  ]);
  const cores = threads > 0 ? `, ${threads} ${threads === 1 ? 'thread' : 'threads'}` : '';
  const heading = `### ${model}, batch ${batchSize}${cores} (matrix product: ${threeDigits(peakGflops)} GFLOPS)`;
  return `${heading}\n\n${markdownTable(HEAD, rows)}\n`;
}
