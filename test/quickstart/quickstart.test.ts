import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { decodeMetadata } from '../../core/model-metadata.ts';
import { decodeModel } from '../../core/onnx/model-file.ts';
import { command } from '../commands/command.ts';
import { writeColors } from '../data/image-folder.ts';

describe('quickstart', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'quickstart-test-'));
    // Fewer images to train on than the batch would have, and few to be tested on three times.
    await writeColors(join(folder, 'colours'), 20, 4);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('trains, exports, serves, evaluates to the same count, shows the page, ends', async () => {
    const { code, stdout, stderr } = await run(folder, [
      '--data',
      'colours',
      '--seconds',
      '1',
      '--port',
      '0',
      '--demo-port',
      '0',
      '--exit',
    ]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /1\/5 data: dataset folder from colours \(--data\)/);
    assert.match(stdout, /epoch 1: train loss \d/);
    assert.match(stdout, /5\/5 page: http:\/\/127\.0\.0\.1:\d+/);
    assert.match(stdout, /^server: [\d.]+ % top-1 on 12 test images \(/m);
    const counts = /\((\d+) right, (\d+) in the trainer\)/.exec(stdout);
    assert.ok(counts, stdout);
    assert.equal(counts[1], counts[2]);
    const bytes = await readFile(join(folder, 'exports', 'quickstart.onnx'));
    const metadata = decodeMetadata(decodeModel(bytes).metadata, 'quickstart.onnx');
    assert.equal(metadata.dataset, 'folder');
    assert.deepEqual(metadata.labels, ['blue', 'green', 'red']);
    assert.equal(metadata.accuracy?.top1Correct, Number(counts[1]));
  });

  it('says in one line that --data holds no dataset', async () => {
    const { code, stderr } = await run(folder, ['--data', '.']);
    assert.equal(code, 1);
    assert.match(stderr, /^error: .*\n$/);
  });
});

function run(cwd: string, args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const { CIFAR100_DIR: _, ...env } = process.env;
  const child = spawn(process.execPath, command('quickstart', ...args), {
    cwd,
    env,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}
