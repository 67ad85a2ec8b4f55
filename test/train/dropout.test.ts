import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { floatTensor, sizeOf } from '../../core/onnx/graph.ts';
import { differentiate } from '../../train/gradients/differentiate.ts';
import { Lowering } from '../../train/lowering/ort/lower.ts';
import { LOWERINGS } from '../../train/lowering/ort/operators.ts';
import { StepBuilder } from '../../train/lowering/ort/step-builder.ts';
import { runOnce } from './support/step-runner.ts';

/** Two Dropouts of one input, one after the other, at a step: what each lets through, and the gradient. */
async function dropped(
  ratio: number,
  step: number,
  dims: readonly number[] = [64, 500],
): Promise<{ first: Float32Array; second: Float32Array; gradient: Float32Array }> {
  const net = new GraphBuilder('dropout');
  const x = net.input('x', 'float32', dims);
  const share = net.initializer('ratio', floatTensor([], [ratio]));
  for (const name of ['first', 'second']) {
    net.node('Dropout', [x, share], {}, { name });
    net.output(name, 'float32', dims);
  }
  const training = differentiate(net.graph, ['x'], [], { dropout: true });
  const b = new StepBuilder('step', 0);
  const given = training.graph.inputs.map(
    ({ name, dims }) => [name, b.input(name, dims.map(Number))] as const,
  );
  const lowered = new Lowering(LOWERINGS, b, training, new Map(given));
  for (const name of ['first', 'second']) b.output(`out.${name}`, lowered.value(training.outputs.get(name)!));
  b.output('gradient', lowered.value(training.gradients.get('x')!));
  const ones = new Float32Array(sizeOf(dims)).fill(1);
  const results = await runOnce(b.graph, {
    ...{ x: ones, step: Float32Array.of(step) },
    'seed.first': ones,
    'seed.second': ones.map((_, i) => i),
  });
  return {
    first: results['out.first']!,
    second: results['out.second']!,
    gradient: results.gradient!,
  };
}

const share = (values: ArrayLike<boolean>): number =>
  Array.from(values).filter(Boolean).length / values.length;

/** How often two masks agree, of n values, within four standard deviations of independent ones. */
function assertIndependent(a: Float32Array, b: Float32Array, ratio: number): void {
  const agree = share(Array.from(a, (value, i) => (value === 0) === (b[i] === 0)));
  const expected = ratio ** 2 + (1 - ratio) ** 2;
  const deviation = Math.sqrt((expected * (1 - expected)) / a.length);
  assert.ok(Math.abs(agree - expected) < 4 * deviation, `${agree} agree, expected ${expected}`);
}

describe('Dropout in training', () => {
  for (const ratio of [0.1, 0.5, 0.9]) {
    it(`drops a share of ${ratio}, scales the rest, and passes the gradient through the same mask`, async () => {
      const { first, second, gradient } = await dropped(ratio, 7);
      const deviation = Math.sqrt((ratio * (1 - ratio)) / first.length);
      for (const mask of [first, second]) {
        const found = share(Array.from(mask, (value) => value === 0));
        assert.ok(Math.abs(found - ratio) < 4 * deviation, `${found} dropped`);
        const kept = Math.fround(1 / (1 - ratio));
        assert.ok(mask.every((value) => value === 0 || Math.abs(value - kept) < 1e-6 * kept));
      }
      const expected = first.map((value, i) => value + second[i]! * i);
      assert.ok(gradient.every((value, i) => Math.abs(value - expected[i]!) <= 1e-6 * (1 + expected[i]!)));
    });
  }

  it('draws other masks each step, in each node, of each image and beside each other', async () => {
    const [now, next] = [await dropped(0.5, 7), await dropped(0.5, 8)];
    assertIndependent(now.first, next.first, 0.5);
    assertIndependent(now.first, now.second, 0.5);
    assertIndependent(now.first.subarray(500), now.first.subarray(0, -500), 0.5);
    assertIndependent(now.first.subarray(1), now.first.subarray(0, -1), 0.5);
    const late = await dropped(0.5, 7 + 2 ** 12);
    assertIndependent(now.first, late.first, 0.5);
  });

  it('draws the same mask at the same step again', async () => {
    assert.deepEqual(await dropped(0.5, 123_456), await dropped(0.5, 123_456));
  });

  it('draws what the hash says, computed in whole numbers', async () => {
    const { first } = await dropped(0.5, 5000, [2, 3]);
    const mix = (high: number, low: number, keys: readonly number[]): [number, number] => {
      let [left, right] = [high, low];
      keys.forEach((key, round) => {
        const base = (right + key + 1 + 977 * round) % 4093;
        [left, right] = [right, (left + ((base * base) % 4093)) % 4096];
      });
      return [left, right];
    };
    const [a, b] = mix(1, 5000 - 4096, [0, 2741, 0, 1103]);
    const expected = [0, 1].flatMap((row) => {
      const [c, d] = mix(0, row, [a, b, a, b]);
      return [0, 1, 2].map((column) => {
        const [high, low] = mix(0, column, [c, d, c, d]);
        return (high * 4096 + low) / 2 ** 24 >= 0.5 ? 2 : 0;
      });
    });
    assert.deepEqual([...first], expected);
  });

  it('gives its input at ratio 0, and where nothing is to be dropped', async () => {
    const { first, gradient } = await dropped(0, 7, [2, 3]);
    assert.deepEqual([...first], [1, 1, 1, 1, 1, 1]);
    assert.deepEqual([...gradient], [1, 2, 3, 4, 5, 6]);
    const net = new GraphBuilder('dropout');
    net.node('Dropout', [net.input('x', 'float32', [2, 3])], {}, { name: 'y' });
    net.output('y', 'float32', [2, 3]);
    const training = differentiate(net.graph, ['x']);
    assert.equal(training.outputs.get('y'), 'x');
    assert.equal(training.gradients.get('x'), 'seed.y');
  });
});
