/**
 * The nets that PyTorch exports, folded: EXPORTED_NETS names a folder of them, made by
 * test/fixtures/exported-nets/make_exported_nets.py; else they are made, with the Python that PYTHON names (it needs
 * torch, torchvision, timm and onnxscript; half an hour, 3 GB).
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sizeOf } from '../../core/onnx/graph.ts';
import { decodeModel, encodeModel } from '../../core/onnx/model-file.ts';
import { fixBatch } from '../../core/onnx/passes/fix-batch.ts';
import { foldConstants } from '../../core/onnx/passes/fold-constants.ts';
import { inferShapes } from '../../core/onnx/shape-inference.ts';
import { openSession, Tensor } from '../../core/runtime/session.ts';
import { findPython } from '../data-parallel/python.ts';

const BATCH = 2;
const SCRIPT = fileURLToPath(new URL('../fixtures/exported-nets/make_exported_nets.py', import.meta.url));

const python = process.env.EXPORTED_NETS
  ? undefined
  : await findPython(['torchvision', 'timm', 'onnxscript']);
const skip = python && 'reason' in python ? `${python.reason}, or EXPORTED_NETS a folder of nets` : false;
let folder = process.env.EXPORTED_NETS ?? '';
if (python && 'path' in python) {
  folder = mkdtempSync(join(tmpdir(), 'exported-nets-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  execFileSync(python.path, [SCRIPT, folder], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** How many parameters PyTorch has of nets without batch norm, none of which an exporter folds. */
const PARAMETERS: Readonly<Record<string, number>> = {
  ...{ convnext_tiny: 182, swin_t: 63, vit_b_16: 32, vit_tiny_patch16_224: 152 },
};

/** What a model gives for a batch of distinct numbers. */
async function run(bytes: Uint8Array, pixels: Tensor): Promise<Float32Array> {
  const session = await openSession(bytes, { threads: 1, int8: false });
  const { output } = await session.run({ input: pixels });
  await session.release();
  return output!.data as Float32Array;
}

describe('an exported net is folded to what depends on images and weights', { skip }, () => {
  const files = skip ? [] : readdirSync(folder).filter((name) => name.endsWith('.onnx'));
  it('there are some', () => assert.ok(files.length > 0, `no .onnx file in ${folder}`));

  for (const file of files.sort()) {
    it(file, async () => {
      const bytes = await readFile(join(folder, file));
      const { graph, opset } = decodeModel(bytes, file);
      const { graph: folded, trained } = await foldConstants(fixBatch(graph, BATCH), { opset });

      const shapes = inferShapes(folded);
      for (const { name, outputs } of folded.nodes) {
        const [output = ''] = outputs;
        const { dtype, dims } = shapes.get(output)!;
        assert.ok(
          dims.every((dim) => typeof dim === 'number'),
          `${name}: ${output} is [${dims}]`,
        );
        assert.equal(dtype, 'float32', `${name}: ${output}`);
      }
      // What has the name of a parameter of PyTorch is there still, and to be trained.
      for (const [name, { dims }] of graph.initializers) {
        if (/^[\w.]+\.(weight|bias|gamma|relative_position_bias_table)$/.test(name) && sizeOf(dims) > 1) {
          assert.ok(trained.has(name), name);
        }
      }

      const parameters = PARAMETERS[file.replace(/-.*/, '')];
      if (parameters !== undefined) assert.equal(trained.size, parameters);

      const dims = [BATCH, ...graph.inputs[0]!.dims.slice(1).map(Number)];
      const values = Float32Array.from({ length: sizeOf(dims) }, (_, i) => Math.sin(i * 0.37));
      const pixels = new Tensor('float32', values, dims);
      const before = await run(bytes, pixels);
      const now = await run(encodeModel(folded, {}, { opset }), pixels);
      const largest = Math.max(...before.map(Math.abs));
      const difference = Math.max(...before.map((value, i) => Math.abs(value - now[i]!)));
      assert.equal(now.length, before.length);
      assert.ok(largest > 0 && difference <= 1e-5 * largest, `differs by ${difference} of ${largest}`);
    });
  }
});
