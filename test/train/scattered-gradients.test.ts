import assert from 'node:assert/strict';
import { it } from 'node:test';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { int } from '../../core/onnx/graph.ts';
import { dataTypeCode } from '../../core/onnx/tensor-proto.ts';
import { Random } from '../../core/random.ts';
import { differentiate } from '../../train/gradients/differentiate.ts';
import { inOnnxruntime } from './support/foreign-training.ts';

/*
 * Of values that are read often the gradient is a sum of many: as many ones as there are readers, where the gradient of
 * what was read is ones. onnxruntime's own ScatterND loses some where several threads add.
 */

const [ROWS, COLUMNS, WIDTH] = [4, 3, 512];

for (const [what, count, isComputed] of [
  ['constant places', 1000, false],
  ['constant places, more than a table is made for', 30_000, false],
  ['places that are computed, some counted from the end', 1000, true],
] as const) {
  it(`every reader counts: ${what}`, async () => {
    const random = new Random(5);
    const places = Array.from({ length: count }, () => [random.integer(ROWS), random.integer(COLUMNS)]);
    const expected = new Float32Array(ROWS * COLUMNS);
    for (const [row, column] of places) expected[row! * COLUMNS + column!]!++;
    const fromEnd = places.map(([row, column], i) => [row!, i % 3 === 0 ? column! - COLUMNS : column!]);
    const width = count > 1000 ? 8 : WIDTH;

    const g = new GraphBuilder('readers');
    const x = g.input('x', 'float32', [ROWS, COLUMNS, width]);
    const indices = isComputed
      ? g.node('Cast', [g.input('places', 'float32', [count, 2])], { to: int(dataTypeCode('int64')) })
      : g.int64(fromEnd.flat(), [count, 2]);
    g.graph.nodes.push({
      ...{ op: 'GatherND', domain: '', name: 'read', attributes: {} },
      ...{ inputs: [x, indices], outputs: ['y'] },
    });
    g.output('y', 'float32', [count, width]);
    const training = differentiate(g.graph, ['x']);
    const runner = await inOnnxruntime(0)({ ...training, loss: training.outputs.get('y')! } as never);
    try {
      for (let time = 0; time < 4; time++) {
        const { 'gradient.x': gradient } = await runner.run({
          x: new Float32Array(ROWS * COLUMNS * width),
          places: Float32Array.from(fromEnd.flat()),
          'seed.y': new Float32Array(count * width).fill(1),
        });
        const sums = Array.from(expected).flatMap((times) => new Array<number>(width).fill(times));
        assert.deepEqual(Array.from(gradient!), sums);
      }
    } finally {
      await runner.close();
    }
  });
}
