import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../data/temporary-folder.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** All that `npm run train` says of a run that is ended at once. */
async function train(...args: string[]): Promise<string> {
  const run = join(await temporaryFolder(), 'run');
  const images = ['--dataset', 'synthetic', '--train-images', '32', '--batch-size', '16'];
  return new Promise((resolve) => {
    const all = ['onnx-classifier.js', 'train', ...args, ...images, '--max-minutes', '0', '--run', run];
    execFile(process.execPath, all, { cwd: ROOT }, (_, stdout, stderr) => resolve(stdout + stderr));
  });
}

test('a ResNet gets the stem that is asked for, or it is said which nets have it', async () => {
  const said = await Promise.all([
    train('--model', 'resnet18', '--stem', 'imagenet'),
    train('--model', 'resnet18-imagenet', '--stem', 'cifar'),
    train('--model', 'resnet20', '--stem', 'imagenet'),
  ]);
  // For 100 classes; ImageNet's stem has 9408 weights where the other has 1728.
  assert.match(said[0]!, /^resnet18-imagenet: 11,227,812 parameters;/m);
  assert.match(said[1]!, /^resnet18: 11,220,132 parameters;/m);
  assert.match(
    said[2]!,
    /^error: --stem imagenet is of resnet18, resnet34, resnet50, resnet101, resnet152; give one of them with --model$/m,
  );
});
