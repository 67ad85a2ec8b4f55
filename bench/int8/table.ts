import { markdownTable } from '../report/markdown-table.ts';
import { ratio, threeDigits } from '../report/numbers.ts';
import type { Int8Comparison } from './measure.ts';

const HEAD = ['', 'weights', 'ms', 'CPU ms', 'faster than fp32', 'less CPU time'];

/** Comparisons as a Markdown table; times are of one batch. */
export function int8Table(comparisons: readonly Int8Comparison[]): string {
  const rows = comparisons.flatMap(({ model, batchSize, fp32, int8, int7, openvino }) => [
    [`${model}, batch ${batchSize}`, 'fp32', threeDigits(fp32.wall), threeDigits(fp32.cpu), '', ''],
    ...(
      [
        ['8-bit', int8],
        ['7-bit', int7],
        ...(openvino
          ? ([
              ['fp32, OpenVINO', openvino.fp32],
              ['8-bit, OpenVINO', openvino.int8],
            ] as const)
          : []),
      ] as const
    ).map(([bits, { wall, cpu, wallRatio, cpuRatio }]) => [
      ...['', bits, threeDigits(wall), threeDigits(cpu)],
      ...[ratio(wallRatio), ratio(cpuRatio)],
    ]),
  ]);
  return markdownTable(HEAD, rows);
}
