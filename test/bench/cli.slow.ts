import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { command } from '../commands/command.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';

test('all that can be compared here trains and infers, and what cannot is said', async () => {
  const json = join(await temporaryFolder(), 'b.json');
  const { stderr } = await promisify(execFile)(
    process.execPath,
    command(
      'bench',
      ...[
        'train',
        'forward',
        '--models',
        'resnet20',
        '--batch-size',
        '2',
        '--rounds',
        '1',
        '--seconds',
        '0.01',
      ],
      ...['--threads', '1', '--json', json],
    ),
  );
  const { train, forward } = JSON.parse(await readFile(json, 'utf8'));
  const names = (suite: { results: { contestant: string; imagesPerSecond: number }[] }[]) =>
    suite[0]!.results.map(({ contestant, imagesPerSecond }) => {
      assert.ok(imagesPerSecond > 0, contestant);
      return contestant;
    });
  const trained = names(train);
  assert.equal(trained[0], 'ours, `ort`');
  assert.equal(trained.includes('ours, `tfjs`'), !/^TensorFlow\.js is not compared: /m.test(stderr), stderr);
  assert.equal(trained.includes('PyTorch fp32'), !/^PyTorch is not compared: /m.test(stderr), stderr);
  const inferred = names(forward);
  for (const name of ['ours, fp32 export', 'ours, int8 export', 'ours, int8 export, 7-bit weights']) {
    assert.ok(inferred.includes(name), inferred.join('; '));
  }
});
