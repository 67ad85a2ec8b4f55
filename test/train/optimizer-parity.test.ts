import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OrtEngine } from '../../train/engine/ort-engine.ts';
import { StepBuilder } from '../../train/lowering/ort/step-builder.ts';
import { clipGradient } from '../../train/optim/clip-gradient.ts';
import { OPTIMIZER_NAMES } from '../../train/recipe/settings.ts';
import type { TrainingState } from '../../train/state.ts';
import { type VectorLayout, vectorLayout } from '../../train/state.ts';
import {
  generatedBatch,
  generatedNet,
  type OptimizerRun,
  optimizerConfig,
  readOptimizerRuns,
} from '../fixtures/optim/optim-fixture.ts';
import { digestError, hashUniform } from '../fixtures/torch-fixture.ts';
import { runOnce } from './support/step-runner.ts';

/*
 * Twenty steps of a real net with each optimiser, against PyTorch's in float64. PyTorch's own float32 is within
 * 1e-5 of that (the fixture's `float32Error`), and the runs keep clear of ReLU's kink.
 */
const TOLERANCE = 1e-4;

const fixture = readOptimizerRuns();
const runs = Object.entries(fixture.runs);

describe('20 steps of resnet20 agree with PyTorch on losses, weights, running statistics and slots', () => {
  for (const [name, run] of runs) {
    it(name, async (t) => {
      const model = generatedNet(fixture, run.baseSeed);
      const optimizer = optimizerConfig(run);
      const engine = await OrtEngine.create(model, { batchSize: fixture.batch, optimizer, threads: 1 });
      const errors = new Map<string, number>();
      const note = (kind: string, error: number) => {
        // NaN must not lose against any number.
        const sound = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
        errors.set(kind, Math.max(sound, errors.get(kind) ?? 0));
      };
      try {
        for (const [step, expected] of run.losses.entries()) {
          const { images, targets } = generatedBatch(fixture, run.baseSeed, step);
          const { loss } = await engine.step(images, targets, run.learningRates[step]!);
          note('loss', Math.abs(loss - expected) / expected);
        }
        const tensors = tensorsOf(engine.state, vectorLayout(model));
        // Else something would go unchecked.
        assert.deepEqual([...tensors.keys()].sort(), Object.keys(run.digests).sort());
        for (const [key, tensor] of tensors) {
          note(key.split('.')[0]!, digestError(tensor, run.digests[key]!));
        }
      } finally {
        await engine.close();
      }
      const summary = [...errors].map(([kind, error]) => `${kind} ${error.toExponential(1)}`).join(', ');
      t.diagnostic(summary);
      assert.ok(Math.max(...errors.values()) <= TOLERANCE, `relative errors: ${summary}`);
    });
  }
});

describe('clipping finds the norm', () => {
  // Around the rows that it sums in: none, one, one and a rest, rows of rows; and resnet18's parameters.
  for (const size of [1, 1000, 1024, 1030, 2048, 1024 ** 2 + 1025, 11_220_132]) {
    it(`of ${size} values`, async () => {
      const gradient = Float32Array.from({ length: size }, (_, i) => hashUniform(1, i) ** 4 - 0.1);
      const norm = Math.sqrt(gradient.reduce((sum, value) => sum + value * value, 0));
      const b = new StepBuilder('clip', 0);
      b.output('clipped', clipGradient(b, b.input('gradient', [size]), norm / 2));
      const { clipped } = await runOnce(b.graph, { gradient });
      const ratio = clipped![0]! / gradient[0]!;
      assert.ok(Math.abs(ratio - 0.5) < 2e-6, `clipped by ${ratio}, not a half`);
    });
  }

  it('and leaves alone what is no longer than the bound', async () => {
    const gradient = Float32Array.of(3, -4);
    const b = new StepBuilder('clip', 0);
    b.output('clipped', clipGradient(b, b.input('gradient', [2]), 5.001));
    assert.deepEqual((await runOnce(b.graph, { gradient })).clipped, gradient);
  });
});

describe('the fixture', () => {
  const those = (is: (run: OptimizerRun) => unknown) => runs.filter(([, run]) => is(run)).length;

  it('has every optimiser, and every setting on and off', () => {
    const optimizers = new Set(runs.map(([, { config }]) => config.optimizer));
    assert.deepEqual([...optimizers].sort(), [...OPTIMIZER_NAMES].sort());
    for (const key of ['nesterov', 'noBiasDecay', 'clipNorm', 'emaDecay', 'weightDecay'] as const) {
      const on = those(({ config }) => config[key]);
      assert.ok(on > 0 && on < runs.length, `${key} is on in ${on} of ${runs.length} runs`);
    }
  });

  it('has another rate in every step', () => {
    for (const [name, { learningRates }] of runs) {
      assert.equal(new Set(learningRates).size, fixture.steps, name);
    }
  });

  it('clips in some steps and not in others', () => {
    for (const [name, { config, gradientNorms }] of runs) {
      if (!config.clipNorm) continue;
      const clipped = gradientNorms.filter((norm) => norm > config.clipNorm!).length;
      assert.ok(clipped >= 4 && clipped <= fixture.steps - 4, `${name}: ${clipped}`);
    }
  });
});

/** All of a state by the fixture's names. */
function tensorsOf(state: TrainingState, layout: VectorLayout): Map<string, Float32Array> {
  const tensors = new Map<string, Float32Array>();
  const put = (prefix: string, vector: Float32Array, segments: VectorLayout['parameters']) => {
    for (const { name, offset, size } of segments) {
      tensors.set(`${prefix}.${name}`, vector.subarray(offset, offset + size));
    }
  };
  put('param', state.parameters, layout.parameters);
  put('buffer', state.buffers, layout.buffers);
  for (const [slot, vector] of Object.entries(state.slots)) {
    if (slot === 'ema_buffers') put('ema', vector, layout.buffers);
    else put(slot, vector, layout.parameters);
  }
  return tensors;
}
