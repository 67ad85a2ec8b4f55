/**
 * The nets of torchvision and timm, by both of PyTorch's exporters, train as PyTorch trains them: FOREIGN_NETS names a
 * folder of them, made by test/fixtures/foreign-nets/make_foreign_nets.py; else they are made, with the Python that
 * PYTHON names (it needs torch, torchvision, timm and onnxscript; an hour, 3 GB). Prints the table of docs/trainable.md.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { detectBlockSize } from '../../train/lowering/ort/block-size.ts';
import { findPython } from '../data-parallel/python.ts';
import { foreignErrors, inOnnxruntime } from './support/foreign-training.ts';

const SCRIPT = fileURLToPath(new URL('../fixtures/foreign-nets/make_foreign_nets.py', import.meta.url));
/** Of float32 against float64. A ReLU whose input is that near 0 takes the other side. */
const TOLERANCE = 1e-4;

const python = process.env.FOREIGN_NETS ? undefined : await findPython(['torchvision', 'timm', 'onnxscript']);
const skip = python && 'reason' in python ? `${python.reason}, or FOREIGN_NETS a folder of nets` : false;
let folder = process.env.FOREIGN_NETS ?? '';
if (python && 'path' in python) {
  folder = mkdtempSync(join(tmpdir(), 'foreign-nets-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  execFileSync(python.path, [SCRIPT, folder], { stdio: ['ignore', 'ignore', 'inherit'] });
}

describe('an exported net trains as PyTorch trains it', { skip }, () => {
  const files = skip ? [] : readdirSync(folder).filter((name) => name.endsWith('.onnx'));
  it('there are some', () => assert.ok(files.length > 0, `no .onnx file in ${folder}`));

  for (const file of files.sort()) {
    const path = join(folder, file);
    if (!existsSync(path.replace(/\.onnx$/, '.json'))) continue;
    it(file, async (t) => {
      const errors = await foreignErrors(path, inOnnxruntime(await detectBlockSize()));
      const [loss, gradient, weights] = [errors.loss, errors.gradient, errors.weights].map((error) =>
        error.toExponential(1),
      );
      const [, net, exporter] = /^([^-]+)-(.+)\.onnx$/.exec(file)!;
      t.diagnostic(
        `| ${net} | ${exporter} | ${errors.operators.join(', ')} | ${loss} | ${gradient} | ${weights} |`,
      );
      t.diagnostic(`worst: ${errors.worst}`);
      assert.ok(errors.loss <= TOLERANCE, `loss ${loss}`);
      assert.ok(errors.weights <= TOLERANCE, `weights ${weights}`);
    });
  }
});
