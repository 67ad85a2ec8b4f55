import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Int8Comparison } from '../../bench/int8/measure.ts';
import { int8Table } from '../../bench/int8/table.ts';

test('int8 against fp32 has a row of each file in OpenVINO, where that was measured', () => {
  const quantized = (wall: number) => ({ wall, cpu: 2 * wall, wallRatio: 100 / wall, cpuRatio: 50 / wall });
  const comparison: Int8Comparison = {
    ...{ model: 'net', batchSize: 32, fp32: { wall: 100, cpu: 200 } },
    ...{ int8: quantized(40), int7: quantized(50) },
  };
  const rows = (text: string) =>
    text
      .split('\n')
      .slice(2)
      .map((line) => line.split('|').slice(1, 6).join('|').replaceAll(' ', ''));
  const alone = rows(int8Table([comparison]));
  assert.deepEqual(alone.slice(0, 3), [
    'net,batch32|fp32|100|200|',
    '|8-bit|40.0|80.0|2.50x',
    '|7-bit|50.0|100|2.00x',
  ]);
  const both = int8Table([{ ...comparison, openvino: { fp32: quantized(125), int8: quantized(20) } }]);
  assert.deepEqual(rows(both).slice(3, 5), [
    '|fp32,OpenVINO|125|250|0.80x',
    '|8-bit,OpenVINO|20.0|40.0|5.00x',
  ]);
});
