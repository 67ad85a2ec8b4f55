/**
 * Exported models against the official `onnx.checker` and strict shape inference. Needs Python with the onnx
 * package: ONNX_PYTHON names the interpreter, else python3.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CIFAR100_NORMALIZATION } from '../../core/data/cifar100.ts';
import { initializeParameters } from '../../core/models/initialize.ts';
import { buildModel } from '../../core/models/zoo.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { MAX_OPSET, MIN_OPSET } from '../../core/onnx/opset.ts';
import { takeNhwcInput } from '../../core/onnx/passes/nhwc-input.ts';
import { pixelsToTopK } from '../../core/onnx/passes/pixels-to-top-k.ts';
import { convertToFloat16 } from '../../core/onnx/passes/to-float16.ts';
import { parameterCount } from '../../core/onnx/roles.ts';
import { modelMetadata } from '../../export/dataset-facts.ts';
import { exportModel, exportRun } from '../../export/export-model.ts';
import type { ExportOptions } from '../../export/options.ts';
import { ExportSource } from '../../export/sources/source.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { writeRun } from './trained-run.ts';

const SCRIPT = fileURLToPath(new URL('check-onnx.py', import.meta.url));
const PYTHON = process.env.ONNX_PYTHON ?? 'python3';
const hasOnnx = spawnSync(PYTHON, ['-c', 'import onnx']).status === 0;
const skip = hasOnnx ? false : `${PYTHON} has no onnx package; ONNX_PYTHON names another interpreter`;

/** @throws what the checker says of the first model it refuses */
function check(...paths: string[]): void {
  const said = execFileSync(PYTHON, [SCRIPT, ...paths], { encoding: 'utf8', stdio: 'pipe' });
  assert.match(said, new RegExp(`^onnx [\\d.]+: ${paths.length} models$`, 'm'));
}

describe('the official checker', { skip }, () => {
  it('passes every kind of export', async () => {
    const folder = await temporaryFolder();
    const run = await writeRun(join(folder, 'run'), { checkpoints: ['best'] });
    const kinds: ExportOptions[] = [
      {},
      { precision: 'fp16' },
      { precision: 'int8', calibration: { images: 10, method: 'minmax' } },
      { preprocess: true },
      { preprocess: true, precision: 'fp16', batch: 2 },
      { layout: 'nhwc' },
      { externalData: true },
    ];
    const paths: string[] = [];
    for (const [i, options] of kinds.entries()) {
      const out = join(folder, `${i}.onnx`);
      await exportRun({ run, out, verifyImages: 6, ...options });
      paths.push(out);
    }
    check(...paths);
  });

  it('passes resnet18, in float32 and float16', async () => {
    const folder = await temporaryFolder();
    const paths: string[] = [];
    for (const precision of ['fp32', 'fp16'] as const) {
      const graph = buildModel('resnet18', { numClasses: 10 });
      initializeParameters(graph, 1);
      const labels = Array.from({ length: 10 }, (_, i) => `class ${i}`);
      const facts = { labels, normalization: CIFAR100_NORMALIZATION, height: 32, width: 32 };
      const source = new ExportSource(modelMetadata('resnet18', { dataset: 'synthetic', ...facts }), graph, {
        ...{ description: 'random weights', trainedHere: true, parameters: parameterCount(graph) },
      });
      const out = join(folder, `${precision}.onnx`);
      await exportModel(source, { out, precision, verifyImages: 6 });
      paths.push(out);
    }
    check(...paths);
  });

  it('passes every operator set', async () => {
    const folder = await temporaryFolder();
    const graph = buildModel('se_resnet20', { numClasses: 10 });
    const half = pixelsToTopK(convertToFloat16(graph), CIFAR100_NORMALIZATION, 5);
    const paths: string[] = [];
    for (let opset = MIN_OPSET; opset <= MAX_OPSET; opset++) {
      for (const [name, variant] of Object.entries({ graph, half, rows: takeNhwcInput(graph) })) {
        const path = join(folder, `${name}-${opset}.onnx`);
        await writeFile(path, encodeModel(variant, {}, { opset }));
        paths.push(path);
      }
    }
    check(...paths);
  });

  it('fails a model that is wrong', async () => {
    const path = join(await temporaryFolder(), 'wrong.onnx');
    const graph = buildModel('resnet20', { numClasses: 10 });
    const outputs = [{ ...graph.outputs[0]!, dims: ['batch', 11] }];
    await writeFile(path, encodeModel({ ...graph, outputs }));
    assert.throws(() => check(path), /wrong\.onnx: .*11/s);
  });
});
