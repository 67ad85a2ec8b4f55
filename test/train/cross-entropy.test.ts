import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../../core/random.ts';
import { StepBuilder } from '../../train/lowering/ort/step-builder.ts';
import { crossEntropy } from '../../train/step/cross-entropy.ts';
import { fillTargets } from '../../train/targets.ts';
import { relativeError64 } from './support/check-gradients.ts';
import { runOnce } from './support/step-runner.ts';

/*
 * Loss and gradient against float64, the gradient by central differences of the loss. Logits of a few units
 * and 1e-6 of relative float32 rounding; a gradient without the targets' mass would be off by its distance
 * from 1, which is 0.3 here.
 */
const TOLERANCE = 1e-5;
const [BATCH, CLASSES] = [4, 6];
const LABELS = [0, 5, 2, 2];

const mixed = (first: number, second: number) => {
  const targets = new Float32Array(BATCH * CLASSES);
  LABELS.forEach((label, n) => {
    targets[n * CLASSES + label] = first;
    targets[n * CLASSES + ((label + 1 + n) % CLASSES)] = second;
  });
  return targets;
};

const filled = (smoothing: number) => {
  const targets = new Float32Array(BATCH * CLASSES).fill(Number.NaN);
  fillTargets(LABELS, CLASSES, targets, smoothing);
  return targets;
};

const TARGETS: [what: string, targets: Float32Array][] = [
  ['one-hot', filled(0)],
  ['smoothed', filled(0.1)],
  ['smoothed to the uniform distribution', filled(1)],
  ['mixed', mixed(0.6875, 0.3125)],
  ['mixed, of mass 1.3', mixed(0.9, 0.4)],
  ['mixed, of mass 0.7', mixed(0.5, 0.2)],
];

for (const scale of [1, 20]) {
  describe(`cross-entropy of logits of the order of ${scale}`, () => {
    const random = new Random(scale);
    const logits = Float32Array.from({ length: BATCH * CLASSES }, () => scale * random.normal());
    for (const [what, targets] of TARGETS) {
      it(`${what}: loss and gradient`, async () => {
        const { loss, gradient } = await run(logits, targets);
        const expected = lossOf(logits, targets);
        assert.ok(Math.abs(loss - expected) <= TOLERANCE * expected, `loss ${loss}, not ${expected}`);
        const error = relativeError64(gradient, numericGradient(logits, targets));
        assert.ok(error <= TOLERANCE, `gradient: relative error ${error}`);
      });
    }
  });
}

it('logits that overflow exp give finite numbers', async () => {
  const logits = new Float32Array(BATCH * CLASSES).map((_, i) => (i % CLASSES === 0 ? 1000 : -1000));
  const { loss, gradient } = await run(logits, filled(0));
  // Three of four images are wrong by 2000 nats.
  assert.equal(loss, 1500);
  const expected = filled(0).map((target, i) => ((i % CLASSES === 0 ? 1 : 0) - target) / BATCH);
  assert.deepEqual([...gradient].map(Math.abs), [...expected].map(Math.abs));
});

describe('targets', () => {
  it('are one-hot without smoothing', () => {
    const rows = Array.from({ length: BATCH }, (_, n) => [
      ...filled(0).subarray(n * CLASSES, (n + 1) * CLASSES),
    ]);
    assert.deepEqual(
      rows,
      LABELS.map((label) => Array.from({ length: CLASSES }, (_, k) => (k === label ? 1 : 0))),
    );
  });

  it('give the label 1 - s + s / classes and the rest s / classes', () => {
    filled(0.3).forEach((value, i) => {
      const isLabel = LABELS[Math.floor(i / CLASSES)] === i % CLASSES;
      assert.ok(Math.abs(value - (isLabel ? 0.75 : 0.05)) < 1e-7, `${i}: ${value}`);
    });
  });
});

async function run(
  logits: Float32Array,
  targets: Float32Array,
): Promise<{ loss: number; gradient: Float32Array }> {
  const b = new StepBuilder('loss', 0);
  const dims = [BATCH, CLASSES];
  const { loss, gradient } = crossEntropy(b, b.input('logits', dims), b.input('targets', dims));
  b.output('loss', loss);
  b.output('gradient', gradient);
  const result = await runOnce(b.graph, { logits, targets });
  assert.equal(result.loss!.length, 1);
  return { loss: result.loss![0]!, gradient: result.gradient! };
}

/** mean over the rows of -sum(target * log softmax(logits)). */
function lossOf(logits: ArrayLike<number>, targets: ArrayLike<number>): number {
  let loss = 0;
  for (let n = 0; n < BATCH; n++) {
    const row = Array.from({ length: CLASSES }, (_, k) => logits[n * CLASSES + k]!);
    const top = Math.max(...row);
    const logSum = top + Math.log(row.reduce((sum, value) => sum + Math.exp(value - top), 0));
    row.forEach((value, k) => {
      loss += (targets[n * CLASSES + k]! * (logSum - value)) / BATCH;
    });
  }
  return loss;
}

function numericGradient(logits: Float32Array, targets: Float32Array): Float64Array {
  // As large a step as the curvature allows: rounding of the loss is divided by it.
  const step = 1e-5;
  const at = (index: number, move: number) => {
    const moved = Float64Array.from(logits);
    moved[index]! += move;
    return lossOf(moved, targets);
  };
  return Float64Array.from(logits, (_, i) => (at(i, step) - at(i, -step)) / (2 * step));
}
