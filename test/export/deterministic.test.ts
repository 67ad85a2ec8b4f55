import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { runCli } from './run-cli.ts';
import { writeRun } from './trained-run.ts';

describe('two exports of a run, in two processes', () => {
  it('have the same bytes, and so have their labels and cards', async () => {
    const folder = await temporaryFolder();
    await writeRun(join(folder, 'run'), { checkpoints: ['best'] });
    const options = ['--run', 'run', '--precision', 'fp16', '--verify-images', '20'];
    for (const name of ['a', 'b']) {
      const { code, stderr } = await runCli(folder, ...options, '--out', `${name}/model.onnx`);
      assert.equal(code, 0, stderr);
    }
    for (const file of ['model.onnx', 'model.labels.txt', 'model.md']) {
      const [a, b] = await Promise.all(['a', 'b'].map((name) => readFile(join(folder, name, file))));
      assert.ok(a!.length > 0 && a!.equals(b!), file);
    }
  });
});
