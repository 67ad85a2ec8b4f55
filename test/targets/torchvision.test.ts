import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openModel } from '../../core/foreign-model/open-model.ts';
import { initializeParameters } from '../../core/models/initialize.ts';
import { buildModel } from '../../core/models/zoo.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { decodeSafetensors } from '../../core/weights/safetensors.ts';
import { ExportSource } from '../../export/sources/source.ts';
import { weightsSource } from '../../export/sources/weights-source.ts';
import { torchvisionFiles } from '../../export/targets/torchvision.ts';
import { forImages } from '../../train/fine-tune/enlarge.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';

const EMBEDDED = fileURLToPath(new URL('../../models/resnet14t.onnx', import.meta.url));
const PYTHON = process.env.ONNX_PYTHON ?? 'python3';
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
  const parse = ['-c', 'import ast, sys; ast.parse(sys.stdin.read())'];
  const { status, stderr, error } = spawnSync(PYTHON, parse, { input: program, encoding: 'utf8' });
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

/** Each folder's model.py loads its net strictly; prints a line a folder, the logits of the images that it is given. */
const LOGITS = `
import array, importlib.util, json, sys, torch
values = torch.tensor(array.array("f", sys.stdin.buffer.read()))
for folder, size in json.loads(sys.argv[1]):
    spec = importlib.util.spec_from_file_location("model", folder + "/model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with torch.inference_mode():
        x = values[: 2 * 3 * size * size].reshape(2, 3, size, size)
        print(json.dumps(module.load()(x).flatten().tolist()))
`;

it('torchvision and timm load them strictly, and give the logits that onnxruntime gives', async (t) => {
  if (spawnSync(PYTHON, ['-c', 'import torch, torchvision, timm, safetensors, PIL']).status !== 0) {
    t.skip(
      `${PYTHON} has no torch, torchvision, timm, safetensors and Pillow; ONNX_PYTHON names another interpreter`,
    );
    return;
  }
  const folder = await temporaryFolder();
  const nets = { resnet18: 32, mobilenetv2: 32, 'mobilenetv3-small': 32, 'efficientnet-lite0': 64 };
  const images = Float32Array.from({ length: 2 * 3 * 64 * 64 }, (_, i) => Math.sin(i));
  const expected: number[][] = [];
  for (const [model, size] of Object.entries(nets)) {
    const source = sourceOf(model, size);
    mkdirSync(join(folder, model));
    for (const [name, data] of torchvisionFiles(source)) writeFileSync(join(folder, model, name), data);
    const session = await openModel(encodeModel(source.graph));
    const { data } = await session.run(images.subarray(0, 2 * 3 * size * size), [2, 3, size, size]);
    await session.close();
    expected.push(Array.from(data as Float32Array));
  }
  const asked = JSON.stringify(Object.entries(nets).map(([model, size]) => [join(folder, model), size]));
  const { status, stdout, stderr } = spawnSync(PYTHON, ['-c', LOGITS, asked], {
    input: new Uint8Array(images.buffer),
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as number[]);
  for (const [i, logits] of lines.entries()) {
    const largest = Math.max(...expected[i]!.map(Math.abs));
    assert.equal(logits.length, 2 * LABELS.length);
    for (const [at, value] of logits.entries()) {
      assert.ok(Math.abs(value - expected[i]![at]!) <= 1e-5 * largest, `${Object.keys(nets)[i]}: ${value}`);
    }
  }
  assert.equal(lines.length, expected.length);
});
