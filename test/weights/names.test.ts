import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sizeOf } from '../../core/onnx/graph.ts';
import { fitModel } from '../../core/weights/fit-model.ts';
import { toTorchvisionNames } from '../../core/weights/names.ts';
import type { TensorFile } from '../../core/weights/safetensors.ts';
import { assertRefuses, readFixture } from './support.ts';

type Shapes = Record<string, number[]>;
const listed: Record<string, Record<string, Shapes>> = JSON.parse(
  (await readFixture('names.json')).toString(),
);

/** Tensors of zeros; the counters that a state dict has are left out, as when it is loaded. */
function zeros(shapes: Shapes): TensorFile['tensors'] {
  return new Map(
    Object.entries(shapes)
      .filter(([name]) => !name.endsWith('num_batches_tracked'))
      .map(([name, dims]) => [name, { dims, data: new Float32Array(sizeOf(dims)) }]),
  );
}

describe('names of tensors', () => {
  for (const model of ['resnet18', 'resnet50']) {
    for (const convention of ['weiaicunzai', 'kuangliu', 'torchvision']) {
      it(`of ${convention} become torchvision's, and the model is found: ${model}`, () => {
        const renamed = toTorchvisionNames(zeros(listed[model]![convention]!), 'x');
        const shapes = [...renamed].map(([name, { dims }]) => [name, dims]);
        const wanted = [...zeros(listed[model]!.torchvision!)].map(([name, { dims }]) => [name, dims]);
        assert.deepEqual(shapes, wanted);
        const fitted = fitModel(renamed, 'x');
        assert.equal(fitted.model, model);
        assert.equal(fitted.folded, false);
      });
    }
  }

  it('lose the prefixes that wrappers put before all of them', () => {
    const named = (names: string[]) => new Map(names.map((name) => [name, 0]));
    const renamed = (names: string[]) => [...toTorchvisionNames(named(names), 'x').keys()];
    assert.deepEqual(renamed(['module.conv1.weight', 'module.linear.bias']), ['conv1.weight', 'fc.bias']);
    assert.deepEqual(renamed(['_orig_mod.module.a', '_orig_mod.module.b']), ['a', 'b']);
    assert.deepEqual(renamed(['module.a', 'b']), ['module.a', 'b']);
    assertRefuses(
      () => toTorchvisionNames(named(['fc.bias', 'linear.bias']), 'x'),
      /^x has two tensors that are "fc\.bias"$/,
    );
  });
});

describe('tensors that fit no model', () => {
  const resnet18 = () => zeros(listed.resnet18!.torchvision!);

  it('are refused by the first few that are missing or unexpected', () => {
    const tensors = resnet18();
    for (const name of ['conv1.weight', 'bn1.bias', 'layer1.0.bn1.bias', 'layer1.0.bn2.bias', 'fc.bias'])
      tensors.delete(name);
    for (let i = 0; i < 5; i++) tensors.set(`layer9.${i}`, { dims: [1], data: new Float32Array(1) });
    assertRefuses(
      () => fitModel(tensors, 'x', { model: 'resnet18' }),
      /^x does not fit resnet18: it lacks "conv1\.weight", "bn1\.bias", "layer1\.0\.bn1\.bias" and 2 more; it has "layer9\.0", "layer9\.1", "layer9\.2" and 2 more, which the model has not$/,
    );
  });

  it('are refused by a shape', () => {
    const tensors = resnet18();
    tensors.set('conv1.weight', { dims: [64, 3, 7, 7], data: new Float32Array(64 * 147) });
    assertRefuses(
      () => fitModel(tensors, 'x'),
      /"conv1\.weight" is \[64,3,7,7\], the model needs \[64,3,3,3\]$/,
    );
  });

  it('are refused by another model than the one asked for', () => {
    assertRefuses(
      () => fitModel(resnet18(), 'x', { model: 'resnet34' }),
      /^x does not fit resnet34: it lacks/,
    );
    assertRefuses(() => fitModel(resnet18(), 'x', { model: 'vgg' }), /there is no model "vgg"/);
  });

  it('are refused without a classifier, or with one that claims much memory', () => {
    const tensors = resnet18();
    tensors.delete('fc.weight');
    assertRefuses(() => fitModel(tensors, 'x'), /has no classifier "fc\.weight"/);
    tensors.set('fc.weight', { dims: [2 ** 40, 0], data: new Float32Array(0) });
    assertRefuses(() => fitModel(tensors, 'x'), /has no classifier "fc\.weight"/);
  });

  it('are refused if nothing like them is in the zoo', () => {
    const tensors = new Map([['fc.weight', { dims: [10, 5], data: new Float32Array(50) }]]);
    assertRefuses(
      () => fitModel(tensors, 'x'),
      /^x fits no model of the zoo .*its 1 tensors are "fc\.weight"$/,
    );
  });
});
