/**
 * The nets of torchvision and timm, by both of PyTorch's exporters, train as PyTorch trains them: FOREIGN_NETS names a
 * folder of them, made by test/fixtures/foreign-nets/make_foreign_nets.py; else they are made, with the Python that
 * PYTHON names (it needs torch, torchvision, timm and onnxscript; hours, 3 GB). Prints the table of docs/trainable.md: errors
 * in onnxruntime, in TensorFlow where it is set up, and what rounding does in PyTorch.
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
import { SKIP_WITHOUT_TENSORFLOW } from '../engine-tfjs/support/tensorflow.ts';
import {
  type ForeignErrors,
  foreignErrors,
  inOnnxruntime,
  inTensorFlow,
} from './support/foreign-training.ts';

const SCRIPT = fileURLToPath(new URL('../fixtures/foreign-nets/make_foreign_nets.py', import.meta.url));
/** Against float64; or, where rounding alone does more in PyTorch (a ReLU's input near 0 takes the other side), so many times that. */
const [TOLERANCE, TIMES] = [1e-4, 3];

const KINDS = ['loss', 'gradient', 'weights'] as const;

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
      const engines = [
        inOnnxruntime(await detectBlockSize()),
        ...(SKIP_WITHOUT_TENSORFLOW ? [] : [inTensorFlow]),
      ];
      const ours: ForeignErrors[] = [];
      for (const open of engines) ours.push(await foreignErrors(path, open));
      const { rounding, operators } = ours[0]!;
      const cells = KINDS.map((kind) => [...ours, rounding!].map((errors) => shown(errors[kind])).join(', '));
      const [, net, exporter] = /^([^-]+)-(.+)\.onnx$/.exec(file)!;
      t.diagnostic(`| ${net} | ${exporter} | ${cells.join(' | ')} |`);
      t.diagnostic(`trained as ${operators.join(', ')}`);
      for (const errors of ours) {
        assert.deepEqual(errors.unknown, [], 'trained, and no parameter of PyTorch');
        for (const kind of KINDS) {
          const bound = Math.max(TOLERANCE, TIMES * rounding![kind]);
          assert.ok(
            errors[kind] <= bound,
            `${kind} ${shown(errors[kind])}, at most ${shown(bound)}: ${errors.worst}`,
          );
        }
      }
    });
  }
});

function shown(error: number): string {
  return error.toExponential(1);
}
