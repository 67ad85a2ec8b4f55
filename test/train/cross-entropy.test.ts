import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { floatTensor } from '../../core/onnx/graph.ts';
import { Random } from '../../core/random.ts';
import { loadTensorFlow } from '../../core/tensorflow/load-tfjs.ts';
import { differentiateClassifier } from '../../train/gradients/differentiate.ts';
import type { ClassifierStep } from '../../train/gradients/training-graph.ts';
import { Lowering } from '../../train/lowering/ort/lower.ts';
import { LOWERINGS } from '../../train/lowering/ort/operators.ts';
import { StepBuilder } from '../../train/lowering/ort/step-builder.ts';
import { GraphInterpreter } from '../../train/lowering/tfjs/interpreter.ts';
import { plain } from '../../train/lowering/tfjs/value.ts';
import { balancedWeights, fillTargets } from '../../train/targets.ts';
import { SKIP_WITHOUT_TENSORFLOW } from '../engine-tfjs/support/tensorflow.ts';
import { relativeError64 } from './support/check-gradients.ts';
import { runOnce } from './support/step-runner.ts';

/*
 * Loss and gradient against float64, the gradient by central differences of the loss. Logits of a few units
 * and 1e-6 of relative float32 rounding; a gradient without the targets' mass would be off by its distance
 * from 1, which is 0.3 here.
 */
const TOLERANCE = 1e-5;
const [BATCH, CLASSES] = [4, 6];

/** PyTorch's CrossEntropyLoss(weight, label_smoothing), by test/fixtures/augment/make_photo_fixtures.py. */
const WEIGHTED = JSON.parse(
  readFileSync(new URL('../fixtures/augment/weighted.json', import.meta.url), 'utf8'),
) as {
  logits: number[];
  labels: number[];
  partner: number[];
  share: number;
  weights: number[];
  cases: Record<string, { loss: number; gradient: number[] }>;
};
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
  fillTargets(LABELS, CLASSES, targets, { smoothing });
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

type Run = (logits: Float32Array, targets: Float32Array, batch?: number) => Promise<LossAndGradient>;

const ENGINES: [name: string, run: Run, skip: string | false][] = [
  ['onnxruntime', withOrt, false],
  [
    'onnxruntime, in portable forms',
    (logits, targets, batch) => withOrt(logits, targets, batch, true),
    false,
  ],
  ['TensorFlow', withTfjs, SKIP_WITHOUT_TENSORFLOW],
];

for (const [engine, run, skip] of ENGINES) {
  describe(`cross-entropy by ${engine}`, { skip }, () => {
    for (const scale of [1, 20]) {
      const random = new Random(scale);
      const logits = Float32Array.from({ length: BATCH * CLASSES }, () => scale * random.normal());
      for (const [what, targets] of TARGETS) {
        it(`${what}, logits of the order of ${scale}: loss and gradient`, async () => {
          const { loss, gradient } = await run(logits, targets);
          const expected = lossOf(logits, targets);
          assert.ok(Math.abs(loss - expected) <= TOLERANCE * expected, `loss ${loss}, not ${expected}`);
          const error = relativeError64(gradient, numericGradient(logits, targets));
          assert.ok(error <= TOLERANCE, `gradient: relative error ${error}`);
        });
      }
    }

    for (const [what, theirs] of Object.entries(WEIGHTED.cases)) {
      it(`${what} labels with class weights: PyTorch's loss and gradient`, async () => {
        const { labels, partner, share, weights } = WEIGHTED;
        const targets = new Float32Array(labels.length * weights.length);
        const [kind, smoothing] = what.split(' ');
        const mix = kind === 'mixed' ? { lambda: share, partner: Uint32Array.from(partner) } : undefined;
        fillTargets(labels, weights.length, targets, { smoothing: Number(smoothing), mix, weights });
        const { loss, gradient } = await run(Float32Array.from(WEIGHTED.logits), targets, labels.length);
        assert.ok(
          Math.abs(loss - theirs.loss) <= TOLERANCE * theirs.loss,
          `loss ${loss}, not ${theirs.loss}`,
        );
        const error = relativeError64(gradient, Float64Array.from(theirs.gradient));
        assert.ok(error <= TOLERANCE, `gradient: relative error ${error}`);
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
  });
}

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

describe('class weights', () => {
  it('balanced give every class the same share of the loss, and images a mean of 1', () => {
    const labels = [0, 0, 0, 0, 0, 0, 1, 1, 3];
    const weights = balancedWeights(labels, 5);
    assert.deepEqual(weights, [0.5, 1.5, 1, 3, 1]);
    const sum = labels.reduce((total, label) => total + weights[label]!, 0);
    assert.equal(sum, labels.length);
  });

  it('of 0 for all that a batch has teach nothing, and give no NaN', () => {
    const targets = new Float32Array(4);
    fillTargets([1, 1], 2, targets, { weights: [1, 0] });
    assert.deepEqual([...targets], [0, 0, 0, 0]);
  });
});

/** The training graph of a classifier whose logits are its weights, so that their gradient is the logits'. */
function logitsAsWeights(logits: Float32Array, batchSize: number): ClassifierStep {
  const b = new GraphBuilder('loss');
  const dims = [batchSize, logits.length / batchSize];
  const weights = b.initializer('weights', floatTensor(dims, logits));
  b.node('Add', [b.input('images', 'float32', dims), weights], {}, { name: 'logits' });
  b.output('logits', 'float32', dims);
  return differentiateClassifier(b.graph, { batchSize, parameters: ['weights'], buffers: [] });
}

interface LossAndGradient {
  loss: number;
  gradient: Float32Array;
}

async function withOrt(
  logits: Float32Array,
  targets: Float32Array,
  batch = BATCH,
  portable = false,
): Promise<LossAndGradient> {
  const step = logitsAsWeights(logits, batch);
  const b = new StepBuilder('loss', 0, portable);
  const given = step.graph.inputs.map(({ name, dims }) => [name, b.input(name, dims.map(Number))] as const);
  const lowered = new Lowering(LOWERINGS, b, step, new Map(given));
  b.output('loss', lowered.value(step.loss));
  b.output('gradient', lowered.value(step.gradients.get('weights')!));
  const images = new Float32Array(logits.length);
  const { loss, gradient } = await runOnce(b.graph, {
    [step.images]: images,
    [step.targets]: targets,
    weights: logits,
  });
  assert.equal(loss!.length, 1);
  return { loss: loss![0]!, gradient: gradient! };
}

async function withTfjs(
  logits: Float32Array,
  targets: Float32Array,
  batch = BATCH,
): Promise<LossAndGradient> {
  const tf = await loadTensorFlow();
  const step = logitsAsWeights(logits, batch);
  const interpreter = new GraphInterpreter(tf, step);
  const results: LossAndGradient = { loss: Number.NaN, gradient: new Float32Array() };
  tf.tidy(() => {
    const tensor = (data: Float32Array) => plain(tf.tensor2d(data, [batch, logits.length / batch]));
    const images = tensor(new Float32Array(logits.length));
    const outputs = interpreter.run({
      [step.images]: images,
      [step.targets]: tensor(targets),
      weights: tensor(logits),
    });
    results.loss = outputs.get(step.loss)!.tensor.dataSync()[0]!;
    results.gradient = outputs.get(step.gradients.get('weights')!)!.tensor.dataSync() as Float32Array;
  });
  interpreter.dispose();
  return results;
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
