import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { initializeParameters } from '../../core/models/initialize.ts';
import { buildModel } from '../../core/models/zoo.ts';
import { createEngine, type EngineConfig } from '../../train/engine/create-engine.ts';
import { forImages, seenAt, sizeSeen } from '../../train/fine-tune/enlarge.ts';
import { parameterRates } from '../../train/fine-tune/rates.ts';
import { engineForRun } from '../../train/progressive/staged-engine.ts';
import { stageAt } from '../../train/progressive/stages.ts';
import { vectorLayout } from '../../train/state.ts';
import { CONFIG } from '../train/support/tiny-run.ts';

const model = buildModel('resnet20', { numClasses: 10, imageSize: 16 });
initializeParameters(model, 1);

describe('rates of parameters', () => {
  it('none where nothing is asked for', () => {
    assert.deepEqual(parameterRates(model, {}), {});
  });

  it('the head has its own, and layers fall off from it', () => {
    const rates = parameterRates(model, { headLr: 10, lrDecay: 0.5 });
    assert.deepEqual([rates['fc.weight'], rates['fc.bias']], [10, 10]);
    assert.deepEqual([rates['layer3.2.conv2.weight'], rates['layer3.2.bn1.bias']], [0.5, 0.5]);
    assert.equal(rates['layer3.1.conv1.weight'], 0.25);
    assert.equal(rates['conv1.weight'], 0.5 ** 11, 'conv1 and bn1 before nine blocks');
  });

  it('biases of batch norm and convs have their own, the head has not', () => {
    const net = buildModel('airbench94', { numClasses: 10 });
    const rates = parameterRates(net, { biasLr: 16, headLr: 0.5, freeze: ['whiten.weight'] });
    const biases = [
      'whiten.bias',
      ...[1, 2, 3].flatMap((at) => [`layer${at}.bn1.bias`, `layer${at}.bn2.bias`]),
    ];
    assert.deepEqual(rates, {
      ...{ 'whiten.weight': 0, 'fc.weight': 0.5, 'fc.bias': 0.5 },
      ...Object.fromEntries(biases.map((name) => [name, 16])),
    });
  });

  it('patterns freeze by the beginnings of names', () => {
    const rates = parameterRates(model, { freeze: ['layer1', 'conv1', '*.bn2.bias'] });
    const frozen = Object.keys(rates).filter((name) => rates[name] === 0);
    assert.ok(frozen.includes('layer1.0.conv1.weight') && frozen.includes('conv1.weight'));
    assert.ok(frozen.includes('layer3.1.bn2.bias') && !frozen.includes('layer3.1.bn2.weight'));
    assert.ok(!frozen.includes('layer2.0.conv1.weight'), '"conv1" is no end of a name');
  });

  it('a pattern that fits nothing, or everything, is refused', () => {
    assert.throws(
      () => parameterRates(model, { freeze: ['layer9'] }),
      /--freeze layer9 fits none of the 65 parameters: conv1.weight/,
    );
    assert.throws(() => parameterRates(model, { freeze: ['*'] }), /leaves nothing to train/);
  });
});

const BATCH = 4;
const images = Float32Array.from({ length: BATCH * 3 * 16 * 16 }, (_, i) => Math.sin(i));
const targets = new Float32Array(BATCH * 10);
for (let i = 0; i < BATCH; i++) targets[i * 10 + i] = 1;

async function trained(config: Partial<EngineConfig>): Promise<Float32Array> {
  const engine = await createEngine(model, { ...CONFIG, batchSize: BATCH, ...config });
  try {
    await engine.step(images, targets, 0.1);
    await engine.step(images, targets, 0.1);
    return (await engine.state).parameters.slice();
  } finally {
    await engine.close();
  }
}

const layout = vectorLayout(model);
const before = new Float32Array(layout.parameterSize);
for (const { name, offset } of layout.parameters)
  before.set(model.initializers.get(name)!.data as Float32Array, offset);

/** The root of the sum of squares of how far a parameter went. */
function moved(after: Float32Array, parameter: string): number {
  const { offset, size } = layout.parameters.find(({ name }) => name === parameter)!;
  let sum = 0;
  for (let i = offset; i < offset + size; i++) sum += (after[i]! - before[i]!) ** 2;
  return Math.sqrt(sum);
}

for (const config of [
  { optimizer: 'sgd' as const },
  { optimizer: 'adamw' as const, weightDecay: 0.01 },
  { optimizer: 'sgd' as const, replicas: 2 },
]) {
  it(`${config.optimizer}${'replicas' in config ? ', two replicas' : ''}: frozen weights stay to the bit, others go on as before`, async () => {
    const after = await trained({ ...config, freeze: ['conv1', 'bn1', 'layer1', 'layer2'] });
    for (const { name } of layout.parameters) {
      const isFrozen = /^(conv1|bn1|layer1|layer2)/.test(name);
      if (isFrozen) assert.equal(moved(after, name), 0, name);
      else assert.ok(moved(after, name) > 0, name);
    }
    // The first step's gradient of the head does not depend on what is frozen before it.
    const free = await trained(config);
    assert.ok(moved(free, 'conv1.weight') > 0);
  });
}

it('frozen batch norm goes by its running statistics, and they stay', async () => {
  const engine = await createEngine(model, { ...CONFIG, batchSize: BATCH, batchNorm: 'frozen' });
  const { buffers } = await engine.state;
  const given = buffers.slice();
  const { loss } = await engine.step(images, targets, 0.1);
  assert.deepEqual((await engine.state).buffers, given);
  assert.ok(moved((await engine.state).parameters, 'layer1.0.bn1.weight') > 0, 'scale and shift are trained');
  await engine.close();
  const other = await createEngine(model, { ...CONFIG, batchSize: BATCH });
  assert.notEqual((await other.step(images, targets, 0.1)).loss, loss);
  assert.notDeepEqual((await other.state).buffers, given);
  await other.close();
});

it('what is frozen thaws after so many epochs, and images grow within the graph', async () => {
  const config = {
    ...CONFIG,
    epochs: 4,
    batchSize: BATCH,
    freeze: ['conv1'],
    unfreezeAfter: 2,
    progressive: [{ size: 16, until: 0.5 }],
  };
  const seen = forImages(seenAt(model, 32), { height: 16, width: 16 });
  assert.equal(sizeSeen(seen), 32);
  const engine = await engineForRun({ config, model: seen });
  const conv = async () => moved((await engine.state).parameters, 'conv1.weight');
  const logits: number[] = [];
  for (const epoch of [0, 1, 2, 3]) {
    await engine.enter!(stageAt(config, epoch, sizeSeen(seen)));
    logits.push((await engine.step(images, targets, 0.05)).logits[0]!);
    assert.equal((await conv()) > 0, epoch >= 2, `epoch ${epoch}`);
  }
  await engine.close();
  assert.equal(new Set(logits).size, 4);
});

it('a head with a tenth of the rate goes a tenth as far in a step', async () => {
  const one = async (headLr: number) => {
    const engine = await createEngine(model, { ...CONFIG, batchSize: BATCH, headLr });
    await engine.step(images, targets, 0.1);
    const after = (await engine.state).parameters.slice();
    await engine.close();
    return [moved(after, 'fc.weight'), moved(after, 'conv1.weight')] as const;
  };
  const [[head, conv], [slowHead, sameConv]] = [await one(1), await one(0.1)];
  assert.ok(Math.abs(slowHead / head - 0.1) < 1e-4);
  assert.equal(sameConv, conv);
});
