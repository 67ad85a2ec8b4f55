import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { floatTensor, type Graph, int } from '../../core/onnx/graph.ts';
import { Random } from '../../core/random.ts';
import { OrtEngine } from '../../train/engine/ort-engine.ts';
import type { OptimizerConfig } from '../../train/optim/config.ts';
import { vectorLayout } from '../../train/state.ts';
import { relativeError64 } from './support/check-gradients.ts';

/*
 * SGD on a linear classifier, whose gradient is easy to write down: logits = x w^T, loss = mean cross-entropy.
 * Eight steps of float32 against float64; each rounds by 6e-8, so 1e-5 is far from rounding and from any
 * mistake in the rule.
 */
const TOLERANCE = 1e-5;
const STEPS = 8;
const [BATCH, FEATURES, CLASSES] = [4, 5, 3];

const CONFIGS: OptimizerConfig[] = [
  { name: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 },
  { name: 'sgd', momentum: 0, nesterov: false, weightDecay: 0.1 },
  { name: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 0 },
  { name: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 0.1 },
  { name: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 0 },
  { name: 'sgd', momentum: 0.8, nesterov: true, weightDecay: 0.1 },
];

describe('SGD against float64', () => {
  for (const config of CONFIGS) {
    it(JSON.stringify(config), async () => {
      const random = new Random(3);
      const draw = (size: number) => Float32Array.from({ length: size }, () => random.normal());
      const initial = draw(CLASSES * FEATURES);
      const engine = await OrtEngine.create(linearModel(initial, FEATURES, CLASSES), {
        batchSize: BATCH,
        optimizer: config,
        threads: 1,
      });
      try {
        const reference = new ReferenceSgd(initial, config);
        for (let step = 0; step < STEPS; step++) {
          const images = draw(BATCH * FEATURES);
          const targets = distributions(BATCH, CLASSES, random);
          // The rate changes every step, as a schedule's does.
          const rate = Math.fround(0.5 / (1 + step));
          const { loss } = await engine.step(images, targets, rate);
          const expected = reference.step(images, targets, rate);
          assert.ok(Math.abs(loss - expected) <= TOLERANCE * expected, `loss of step ${step}: ${loss}`);
          for (const slot of ['parameters', 'momentum'] as const) {
            const { parameters, slots } = engine.state;
            const actual = slot === 'parameters' ? parameters : slots.momentum!;
            const error = relativeError64(actual, reference[slot]);
            assert.ok(error <= TOLERANCE, `${slot} after step ${step}: relative error ${error}`);
          }
        }
      } finally {
        await engine.close();
      }
    });
  }
});

/** One feature, two classes, one image, weights from 0: softmax is 1/2, so the gradient is -1/2 and 1/2. */
describe('the first two steps by hand', () => {
  const cases: [config: OptimizerConfig, first: number, momentum: number][] = [
    [{ name: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 0 }, 0.1 * 0.5, -0.5],
    [{ name: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 0 }, 0.1 * (0.5 + 0.9 * 0.5), -0.5],
  ];
  for (const [config, first, momentum] of cases) {
    it(JSON.stringify(config), async () => {
      const model = linearModel([0, 0], 1, 2);
      const engine = await OrtEngine.create(model, { batchSize: 1, optimizer: config, threads: 1 });
      try {
        const one = Float32Array.of(1);
        await engine.step(one, Float32Array.of(1, 0), 0.1);
        near(engine.state.parameters, [first, -first]);
        near(engine.state.slots.momentum!, [momentum, -momentum]);
        // At rate 0 the weights stay and the momentum takes in the gradient: softmax is 1 / (1 + e^-2w).
        await engine.step(one, Float32Array.of(1, 0), 0);
        near(engine.state.parameters, [first, -first]);
        const gradient = 1 / (1 + Math.exp(-2 * first)) - 1;
        near(engine.state.slots.momentum!, [0.9 * momentum + gradient, -0.9 * momentum - gradient]);
      } finally {
        await engine.close();
      }
    });
  }
});

it('load replaces the whole state, by a copy', async () => {
  const optimizer: OptimizerConfig = { name: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 0 };
  const engine = await OrtEngine.create(linearModel([0, 0], 1, 2), { batchSize: 1, optimizer, threads: 1 });
  try {
    const step = async () => {
      await engine.step(Float32Array.of(1), Float32Array.of(0.75, 0.25), 0.1);
      const { parameters, slots } = engine.state;
      return [...parameters, ...slots.momentum!];
    };
    const saved = {
      parameters: Float32Array.of(1, 2),
      slots: { momentum: Float32Array.of(3, 4) },
      steps: 0,
      buffers: new Float32Array(0),
    };
    engine.load(saved);
    const once = await step();
    await step();
    assert.deepEqual([...saved.parameters, ...saved.slots.momentum], [1, 2, 3, 4]);
    engine.load(saved);
    assert.deepEqual(await step(), once);
  } finally {
    await engine.close();
  }
});

/** `input` [batch, features] times the transpose of `weight` [classes, features]. */
function linearModel(weight: ArrayLike<number>, features: number, classes: number): Graph {
  const b = new GraphBuilder('linear');
  const x = b.input('input', 'float32', ['batch', features]);
  const w = b.initializer('weight', floatTensor([classes, features], weight));
  b.node('Gemm', [x, w], { transB: int(1) }, { name: 'logits' });
  b.output('logits', 'float32', ['batch', classes]);
  assert.equal(vectorLayout(b.graph).parameterSize, features * classes);
  return b.graph;
}

function distributions(rows: number, columns: number, random: Random): Float32Array {
  const targets = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const values = Array.from({ length: columns }, () => random.uniform());
    const sum = values.reduce((total, value) => total + value, 0);
    values.forEach((value, k) => {
      targets[row * columns + k] = value / sum;
    });
  }
  return targets;
}

/** torch.optim.SGD as its documentation states it, on the linear classifier. */
class ReferenceSgd {
  readonly parameters: Float64Array;
  readonly momentum: Float64Array;

  constructor(
    initial: Float32Array,
    private readonly config: OptimizerConfig,
  ) {
    this.parameters = Float64Array.from(initial);
    this.momentum = new Float64Array(initial.length);
  }

  /** The loss before the update. */
  step(images: Float32Array, targets: Float32Array, rate: number): number {
    const { momentum: mu, nesterov, weightDecay } = this.config;
    const gradient = new Float64Array(this.parameters.length);
    let loss = 0;
    for (let n = 0; n < BATCH; n++) {
      const x = images.subarray(n * FEATURES, (n + 1) * FEATURES);
      const t = targets.subarray(n * CLASSES, (n + 1) * CLASSES);
      const exps = Array.from(t, (_, k) =>
        Math.exp(x.reduce((sum, value, f) => sum + value * this.parameters[k * FEATURES + f]!, 0)),
      );
      const total = exps.reduce((sum, value) => sum + value, 0);
      exps.forEach((value, k) => {
        loss -= (t[k]! * Math.log(value / total)) / BATCH;
        for (let f = 0; f < FEATURES; f++) {
          gradient[k * FEATURES + f]! += ((value / total - t[k]!) * x[f]!) / BATCH;
        }
      });
    }
    for (let i = 0; i < gradient.length; i++) {
      const g = gradient[i]! + weightDecay * this.parameters[i]!;
      const m = mu * this.momentum[i]! + g;
      this.momentum[i] = m;
      this.parameters[i]! -= rate * (nesterov ? g + mu * m : m);
    }
    return loss;
  }
}

function near(actual: Float32Array, expected: readonly number[]): void {
  assert.ok(relativeError64(actual, expected) < 1e-6, `[${actual}], not [${expected}]`);
}
