import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeSynthetic } from '../../core/data/synthetic.ts';
import { buildModel } from '../../core/models/zoo.ts';
import { type Training, withFastestEngine } from '../../train/engine/choose-engine.ts';
import { makeConfig } from '../../train/recipe/make-config.ts';
import type { Recipe } from '../../train/recipe/settings.ts';
import { SKIP_WITHOUT_TENSORFLOW } from './support/tensorflow.ts';

const dataset = makeSynthetic({ train: 64, test: 8 });
const model = buildModel('resnet14t', { numClasses: dataset.labels.length, imageSize: dataset.height });
/** Long enough for trials to be worth their time. */
const LONG = { epochs: 10_000, batchSize: 8 };

function training(recipe: Recipe): Training {
  return { recipe, model, make: (whole) => makeConfig(whole, model, dataset) };
}

/** What is chosen and said if the engines were as fast as that, by engine and precision. */
async function chosen(recipe: Recipe, rates: Record<string, number | undefined>) {
  const lines: string[] = [];
  const tried: string[] = [];
  const { engine, precision } = await withFastestEngine(
    training(recipe),
    (line) => lines.push(line),
    async (_, config) => {
      const name = `${config.engine} ${config.precision}`;
      tried.push(name);
      return rates[name];
    },
  );
  return { engine, precision, tried, lines };
}

describe('the engine that a training chooses by trial steps', { skip: SKIP_WITHOUT_TENSORFLOW }, () => {
  it('is the fastest, in its precision, and all are said', async () => {
    const rates = { 'ort fp32': 4, 'tfjs fp32': 3, 'tfjs bf16': 9 };
    assert.deepEqual(await chosen(LONG, rates), {
      engine: 'tfjs',
      precision: 'bf16',
      tried: Object.keys(rates),
      lines: [
        'chose TensorFlow in bfloat16, 72 images/s in trial steps (onnxruntime 32, TensorFlow 24); --engine and --precision choose otherwise',
      ],
    });
  });

  it('stays onnxruntime where another is hardly faster, or cannot train this', async () => {
    const { engine, precision, lines } = await chosen(LONG, { 'ort fp32': 1, 'tfjs fp32': 1.05 });
    assert.deepEqual({ engine, precision }, { engine: 'ort', precision: 'fp32' });
    assert.deepEqual(lines, [
      'chose onnxruntime, 8.0 images/s in trial steps (TensorFlow 8.4); --engine and --precision choose otherwise',
    ]);
  });

  it('has the precision that was asked for', async () => {
    const whole = await chosen({ ...LONG, precision: 'fp32' }, { 'ort fp32': 1, 'tfjs fp32': 2 });
    assert.deepEqual([whole.engine, whole.precision, whole.tried.length], ['tfjs', 'fp32', 2]);
    const half = await chosen({ ...LONG, precision: 'bf16' }, { 'tfjs bf16': 2 });
    assert.deepEqual([half.engine, half.precision, half.lines], ['tfjs', 'bf16', []]);
  });

  it('is not tried for a short training, or where the user chose', async () => {
    const recipes: Recipe[] = [
      { epochs: 1, batchSize: 8 },
      { ...LONG, engine: 'ort' },
      { ...LONG, precision: 'fp16' },
      { ...LONG, replicas: 1 },
      { ...LONG, stepsPerCall: 4 },
      { ...LONG, provider: 'webgpu' },
    ];
    for (const recipe of recipes) {
      const { tried, lines, engine } = await chosen(recipe, { 'ort fp32': 1, 'tfjs fp32': 9 });
      assert.deepEqual({ tried, lines, engine }, { tried: [], lines: [], engine: recipe.engine });
    }
  });

  it('is measured by real steps', async () => {
    const lines: string[] = [];
    const { engine } = await withFastestEngine(training({ ...LONG, precision: 'fp32' }), (line) =>
      lines.push(line),
    );
    assert.match(lines.join(), /^chose \S+, [\d.]+ images\/s in trial steps \(\S+ [\d.]+\);/);
    assert.equal(engine, lines[0]!.startsWith('chose onnxruntime') ? 'ort' : 'tfjs');
  });
});
