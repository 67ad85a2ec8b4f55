import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { imagenetLabels } from '../../core/data/imagenet/imagenet.ts';
import { initializeParameters } from '../../core/models/initialize.ts';
import { buildModel } from '../../core/models/zoo.ts';
import { initializerRoles } from '../../core/onnx/roles.ts';
import { encodeSafetensors, type TensorFile } from '../../core/weights/safetensors.ts';
import { exportModel } from '../../export/export-model.ts';
import { weightsSource } from '../../export/sources/weights-source.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { rejectsPlainly } from '../data/user-error.ts';

/** Weights as torchvision's files have them. */
async function weightsOf(model: string, numClasses: number): Promise<string> {
  const graph = buildModel(model, { numClasses });
  initializeParameters(graph, 1);
  const { parameters, buffers } = initializerRoles(graph);
  const tensors: TensorFile['tensors'] = new Map();
  for (const name of [...parameters, ...buffers]) {
    const { dims, data } = graph.initializers.get(name)!;
    tensors.set(name, { dims, data: data as Float32Array });
  }
  const path = join(await temporaryFolder(), `${model}.safetensors`);
  await writeFile(path, encodeSafetensors({ tensors, metadata: { format: 'pt' } }));
  return path;
}

test('weights of 1000 classes are of ImageNet: its labels, its normalisation, the size of the net', async () => {
  const labels = await imagenetLabels();
  assert.equal(new Set(labels).size, 1000);
  assert.deepEqual([labels[0], labels[506], labels[999]], ['tench', 'coil', 'toilet tissue']);
  const path = await weightsOf('mobilenetv3-small', 1000);
  const { metadata } = await weightsSource(path);
  assert.deepEqual([metadata.model, metadata.dataset], ['mobilenetv3-small', 'imagenet']);
  assert.deepEqual([metadata.inputHeight, metadata.inputWidth, metadata.labels], [224, 224, labels]);
  assert.deepEqual(
    [metadata.mean, metadata.std],
    [
      [0.485, 0.456, 0.406],
      [0.229, 0.224, 0.225],
    ],
  );
  const own = join(await temporaryFolder(), 'own.txt');
  await writeFile(own, labels.map((label) => `my ${label}`).join('\n'));
  const { metadata: named } = await weightsSource(path, { labels: own });
  assert.deepEqual([named.dataset, named.labels[506], named.mean[0]], ['imagenet', 'my coil', 0.485]);
});

test('weights of other classes are of the dataset that is said, in its size', async () => {
  const path = await weightsOf('mobilenetv3-small', 100);
  const source = await weightsSource(path, { dataset: 'synthetic' });
  assert.deepEqual([source.metadata.dataset, source.metadata.inputHeight], ['synthetic', 32]);
  assert.deepEqual(source.takeGraph().inputs[0]!.dims, ['batch', 3, 32, 32]);
});

test('an operator set that a net is too new for is refused, and the first that is not will do', async () => {
  const path = await weightsOf('mobilenetv3-small', 100);
  const folder = await temporaryFolder();
  const out = join(folder, 'net.onnx');
  await rejectsPlainly(
    exportModel(await weightsSource(path, { dataset: 'synthetic' }), { out, opset: 13 }),
    /^--opset 13 has no HardSwish, which mobilenetv3-small has; give 14 or more$/,
  );
  assert.deepEqual(await readdir(folder), []);
  const { opset, metadata } = await exportModel(await weightsSource(path, { dataset: 'synthetic' }), {
    out,
    opset: 14,
    licence: 'none',
  });
  assert.deepEqual([opset, metadata.model], [14, 'mobilenetv3-small']);
});
