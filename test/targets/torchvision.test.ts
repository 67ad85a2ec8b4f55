import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { initializeParameters } from '../../core/models/initialize.ts';
import { buildModel } from '../../core/models/zoo.ts';
import { decodeSafetensors } from '../../core/weights/safetensors.ts';
import { ExportSource } from '../../export/sources/source.ts';
import { weightsSource } from '../../export/sources/weights-source.ts';
import { torchvisionFiles } from '../../export/targets/torchvision.ts';
import { forImages } from '../../train/fine-tune/enlarge.ts';

const EMBEDDED = fileURLToPath(new URL('../../models/resnet14t.onnx', import.meta.url));
const LABELS = ['a cat', 'a "dog"', 'an owl'];

function sourceOf(model: string, imageSize: number, shown = imageSize): ExportSource {
  const graph = buildModel(model, { numClasses: LABELS.length, imageSize });
  initializeParameters(graph, 1);
  const metadata = {
    ...{
      model,
      labels: LABELS,
      mean: [0.5, 0.4, 0.3],
      std: [0.2, 0.25, 0.5],
      inputHeight: shown,
      inputWidth: shown,
    },
  } as unknown as ExportSource['metadata'];
  return new ExportSource(metadata, forImages(graph, { height: shown, width: shown }), {
    ...{ description: 'runs/a, best checkpoint', trainedHere: true, parameters: 1 },
  });
}

function filesOf(source: ExportSource): Record<string, string | Uint8Array> {
  return Object.fromEntries(torchvisionFiles(source));
}

for (const [model, size, count, some, made] of [
  // Tensors as torchvision's and timm's nets have them, without the counters of batch norm.
  [
    'resnet18',
    32,
    102,
    ['conv1.weight', 'layer4.1.bn2.running_var', 'fc.bias'],
    'models.resnet18(num_classes=3)',
  ],
  ['resnet50-imagenet', 64, 267, ['layer1.0.downsample.1.weight'], 'models.resnet50(num_classes=3)'],
  ['mobilenetv2', 32, 262, ['features.18.1.running_mean', 'classifier.1.weight'], 'models.mobilenet_v2('],
  ['mobilenetv3-small', 32, 210, ['features.1.block.1.fc1.weight'], 'models.mobilenet_v3_small('],
  [
    'efficientnet-lite0',
    64,
    247,
    ['blocks.0.0.conv_dw.weight'],
    'create_model("tf_efficientnet_lite0", num_classes=3)',
  ],
] as const) {
  it(`${model} has the tensors that PyTorch's net of that name loads strictly`, () => {
    const files = filesOf(sourceOf(model, size));
    const { tensors } = decodeSafetensors(files['model.safetensors'] as Uint8Array, model);
    assert.equal(tensors.size, count);
    for (const name of some) assert.ok(tensors.has(name), name);
    assert.deepEqual(JSON.parse(files['labels.json'] as string), LABELS);
    const program = files['model.py'] as string;
    assert.ok(program.includes(made), program);
    assert.equal(program.includes('net.maxpool'), model === 'resnet18');
    assert.ok(!program.includes('interpolate'));
  });
}

it('the program enlarges what the graph enlarged, and is Python', (t) => {
  const program = filesOf(sourceOf('efficientnet-lite0', 64, 32))['model.py'] as string;
  assert.match(program, /\.resize\(\(32, 32\), PIL/);
  assert.match(program, /interpolate\(x, size=\(64, 64\), mode="bilinear"\)\n {4}return x\n/);
  const python = process.env.ONNX_PYTHON ?? 'python3';
  const { status, stderr, error } = spawnSync(
    python,
    ['-c', 'import ast, sys; ast.parse(sys.stdin.read())'],
    {
      input: program,
      encoding: 'utf8',
    },
  );
  if (error) t.skip('its syntax is checked where python3 is installed');
  else assert.equal(status, 0, stderr);
});

it('says which nets neither library has, and what is folded', async () => {
  assert.throws(() => torchvisionFiles(sourceOf('resnet20', 32)), {
    name: 'UserError',
    message: /neither torchvision nor timm has resnet20; they have resnet18, .*efficientnet-lite2$/,
  });
  const source = await weightsSource(EMBEDDED);
  const folded = new ExportSource({ ...source.metadata, model: 'resnet18' }, source.graph, {
    ...{ description: 'a.onnx', trainedHere: true, parameters: 1 },
  });
  assert.throws(() => torchvisionFiles(folded), {
    name: 'UserError',
    message: /batch norm is folded into the weights of a\.onnx, which has no \S+; export the run/,
  });
});
