import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { tinyRun } from './support/tiny-run.ts';

const folder = await temporaryFolder();

test('plots after each epoch, events only where asked for', async () => {
  for (const tensorboard of [false, true]) {
    const warnings: string[] = [];
    const { run } = await tinyRun(folder, `events-${tensorboard}`, {
      config: { epochs: 1 },
      setup: { tensorboard, warn: (line) => warnings.push(line) },
    });
    const names = await readdir(run.path);
    assert.ok(names.includes('plots'));
    assert.equal(names.filter((name) => name.startsWith('events.out.tfevents.')).length, tensorboard ? 1 : 0);
    assert.deepEqual(warnings, []);
  }
});

test('what cannot be written is said and does not end the training', async () => {
  await mkdir(join(folder, 'refused'));
  await writeFile(join(folder, 'refused', 'plots'), 'a file where the folder should be');
  const warnings: string[] = [];
  const { result } = await tinyRun(folder, 'refused', {
    config: { epochs: 1 },
    setup: { warn: (line) => warnings.push(line) },
  });
  assert.equal(result.finished, true);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /^the plots were not written: /);
});
