/**
 * The nets of torchvision and timm, by both of PyTorch's exporters, train as PyTorch trains them: FOREIGN_NETS names a
 * folder of them, made by test/fixtures/foreign-nets/make_foreign_nets.py; else they are made, with the Python that
 * PYTHON names (it needs torch, torchvision, timm and onnxscript; hours, 3 GB). Prints the table of docs/trainable.md: ours, and what
 * rounding does in PyTorch.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { detectBlockSize } from '../../train/lowering/ort/block-size.ts';
import { findPython } from '../data-parallel/python.ts';
import { SKIP_WITHOUT_TENSORFLOW } from '../engine-tfjs/support/tensorflow.ts';
import { foreignErrors, inOnnxruntime, inTensorFlow, type OpenTraining } from './support/foreign-training.ts';

const SCRIPT = fileURLToPath(new URL('../fixtures/foreign-nets/make_foreign_nets.py', import.meta.url));
/** Against float64; or, where rounding alone does more in PyTorch (a ReLU's input near 0 takes the other side), so many times that. */
const [TOLERANCE, TIMES] = [1e-4, 3];

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
    const check = async (t: TestContext, open: OpenTraining, engine: string) => {
      const errors = await foreignErrors(path, open);
      const rounding = errors.rounding!;
      const cells = KINDS.map((kind) => `${shown(errors[kind])}, ${shown(rounding[kind])}`);
      const [, net, exporter] = /^([^-]+)-(.+)\.onnx$/.exec(file)!;
      t.diagnostic(`| ${net} | ${exporter} | ${engine} | ${cells.join(' | ')} |`);
      t.diagnostic(`trained as ${errors.operators.join(', ')}; worst: ${errors.worst}`);
      assert.deepEqual(errors.unknown, [], 'trained, and no parameter of PyTorch');
      for (const kind of KINDS) {
        const bound = Math.max(TOLERANCE, TIMES * rounding[kind]);
        assert.ok(errors[kind] <= bound, `${kind} ${shown(errors[kind])}, at most ${shown(bound)}`);
      }
    };
    it(`${file} in onnxruntime`, async (t) => check(t, inOnnxruntime(await detectBlockSize()), 'ort'));
    it(`${file} in TensorFlow`, { skip: SKIP_WITHOUT_TENSORFLOW }, (t) => check(t, inTensorFlow, 'tfjs'));
  }
});

const KINDS = ['loss', 'gradient', 'weights'] as const;

function shown(error: number): string {
  return error.toExponential(1);
}
