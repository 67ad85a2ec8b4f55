import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { epochReporter } from '../../train/runs/epoch-reporter.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { epochLogs } from './epoch-logs.ts';
import { writeRunFiles } from './write-run.ts';

test('plots after each epoch, events only where asked for', async () => {
  for (const tensorboard of [false, true]) {
    const path = await temporaryFolder();
    const epochs = epochLogs(2);
    await writeRunFiles(path, epochs);
    const warnings: string[] = [];
    const report = epochReporter(new RunDirectory(path), {
      tensorboard,
      warn: (line) => warnings.push(line),
    });
    for (const entry of epochs) await report(entry);
    const names = await readdir(path);
    assert.ok(names.includes('plots'));
    assert.equal(names.filter((name) => name.startsWith('events.out.tfevents.')).length, tensorboard ? 1 : 0);
    assert.deepEqual(warnings, []);
  }
});

test('what cannot be written is said and does not end the training', async () => {
  const path = await temporaryFolder();
  await writeRunFiles(path, epochLogs(1));
  await writeFile(join(path, 'plots'), 'a file where the folder should be');
  const warnings: string[] = [];
  await epochReporter(new RunDirectory(path), { tensorboard: false, warn: (line) => warnings.push(line) })(
    epochLogs(1)[0]!,
  );
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /^the plots were not written: /);
});
