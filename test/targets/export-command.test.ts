import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { loadClassifier } from '../../core/foreign-model/load-classifier.ts';
import { command } from '../commands/command.ts';
import { EXPECTED, foreignFolder } from '../foreign/support.ts';

const folder = foreignFolder();

function run(...args: string[]) {
  return spawnSync(process.execPath, command('export', ...args), { cwd: folder, encoding: 'utf8' });
}

it('export writes a model of another program as one of ours, and for a target', async () => {
  const { status, stdout, stderr } = run(
    '--foreign',
    'dynamo.onnx',
    '--out',
    'ours.onnx',
    '--target',
    'triton',
  );
  assert.equal(status, 0, stderr);
  assert.match(stdout, /dynamo, 10 classes, 32x32, in ours\.onnx/);
  const { metadata } = await loadClassifier(join(folder, 'ours.onnx'));
  assert.deepEqual(metadata.labels, EXPECTED.labels);
  assert.ok(existsSync(join(folder, 'ours-triton', 'dynamo', 'config.pbtxt')));
});

for (const [args, message] of [
  [['--foreign', 'none.onnx'], /none\.onnx cannot be read/],
  [['--foreign', 'dynamo.onnx', '--preprocessing', 'none.json'], /none\.json cannot be read/],
  [['--foreign', 'dynamo.onnx', '--model', 'resnet14t'], /leave out --model/],
  [['--preprocessing', 'legacy.json'], /goes with --foreign/],
  [['--storage-uri', 's3://b/m'], /goes with --target kserve/],
  [['--target', 'torchserve'], /--target is triton, kserve/],
] as const) {
  it(`export refuses ${args.join(' ')}`, () => {
    const { status, stderr } = run(...args);
    assert.equal(status, 1);
    assert.match(stderr, message);
    assert.match(stderr, /^error: [^\n]+\n$/);
  });
}
