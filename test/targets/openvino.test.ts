/**
 * The folder for OpenVINO Model Server. That OpenVINO gives onnxruntime's logits needs Python with openvino: ONNX_PYTHON
 * names the interpreter, else python3.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../core/errors.ts';
import { loadClassifier } from '../../core/foreign-model/load-classifier.ts';
import { openModel } from '../../core/foreign-model/open-model.ts';
import { readPreprocessing } from '../../core/foreign-model/preprocessing.ts';
import { DISK } from '../../core/fs/file-tree.ts';
import { encodeMetadata } from '../../core/model-metadata.ts';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { floatTensor } from '../../core/onnx/graph.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { writeTarget } from '../../export/targets/write-target.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';

const MODEL = fileURLToPath(new URL('../../models/resnet14t.onnx', import.meta.url));
const SCRIPT = fileURLToPath(new URL('openvino-logits.py', import.meta.url));
const PYTHON = process.env.ONNX_PYTHON ?? 'python3';
const NAME = 'tiny.net';

const folder = await temporaryFolder();
const out = join(folder, 'served');

/** A linear net on the mean of each channel, in float32: `weight` goes to class 0. */
async function writeTiny(path: string, weight = 0.5): Promise<void> {
  const { metadata } = await loadClassifier(MODEL);
  const b = new GraphBuilder('tiny');
  const x = b.input('input', 'float32', ['batch', 3, 8, 8]);
  const pooled = b.node('Flatten', [b.node('GlobalAveragePool', [x], {})], {});
  const w = b.initializer('w', floatTensor([3, 2], [weight, -1.25, 2, 0.125, -0.3, 0.7]));
  b.node('MatMul', [pooled, w], {}, { name: 'logits' });
  b.output('logits', 'float32', ['batch', 2]);
  const { agreement, accuracy, trainingConfig, precision, ...shared } = metadata;
  const size = { inputHeight: 8, inputWidth: 8 };
  const own = encodeMetadata({ ...shared, ...size, model: NAME, labels: ['a', 'b'] });
  writeFileSync(path, encodeModel(b.graph, own));
}

it('--target openvino writes a folder as OpenVINO Model Server wants it', async () => {
  const model = join(folder, 'tiny.onnx');
  await writeTiny(model);
  const files = await writeTarget('openvino', { model, out });
  assert.deepEqual(
    files.map((file) => file.slice(out.length + 1)),
    [`${NAME}/1/model.onnx`, `${NAME}/labels.txt`, `${NAME}/preprocessing.json`, 'config.json'],
  );
  assert.deepEqual(JSON.parse(readFileSync(files[3]!, 'utf8')), {
    model_config_list: [
      { config: { name: NAME, base_path: NAME, plugin_config: { INFERENCE_PRECISION_HINT: 'f32' } } },
    ],
  });
  assert.deepEqual(readFileSync(files[0]!), readFileSync(model));
  const { metadata } = await loadClassifier(model);
  const preprocessing = await readPreprocessing(files[2]!, DISK);
  assert.deepEqual(preprocessing.labels, ['a', 'b']);
  assert.deepEqual([preprocessing.mean, preprocessing.size], [metadata.mean, [8, 8]]);
});

it('and refuses what OpenVINO computes wrongly', async () => {
  const model = join(folder, 'nan.onnx');
  await writeTiny(model, Number.NaN);
  await assert.rejects(
    writeTarget('openvino', { model, out: join(folder, 'nan') }),
    (error) => error instanceof UserError && /not for OpenVINO: its weight "w"/.test(error.message),
  );
});

it("OpenVINO gives onnxruntime's logits of it", async (t) => {
  if (spawnSync(PYTHON, ['-c', 'import openvino']).status !== 0) {
    t.skip(`${PYTHON} has no openvino package; ONNX_PYTHON names another interpreter`);
    return;
  }
  const images = Float32Array.from({ length: 2 * 3 * 8 * 8 }, (_, i) => Math.sin(i));
  const dims = [2, 3, 8, 8];
  const session = await openModel(readFileSync(join(out, NAME, '1', 'model.onnx')));
  const expected = (await session.run(images, dims)).data;
  await session.close();
  const { stdout, stderr, status } = spawnSync(PYTHON, [SCRIPT, out, dims.join()], {
    input: new Uint8Array(images.buffer),
  });
  assert.equal(status, 0, stderr.toString());
  const logits = new Float32Array(new Uint8Array(stdout).buffer);
  assert.equal(logits.length, 4);
  for (const [i, value] of logits.entries()) assert.ok(Math.abs(value - Number(expected[i])) < 1e-6);
});
