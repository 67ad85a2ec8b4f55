import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readArchive } from '../../core/data/archive/read-archive.ts';
import { fileDigest } from '../../core/data/checksum.ts';
import { FolderFiles } from '../../core/data/data-files.ts';
import { readPreprocessing } from '../../core/foreign-model/preprocessing.ts';
import { DISK } from '../../core/fs/file-tree.ts';
import { readRegularFile } from '../../core/fs/regular-file.ts';
import { readPictureFile } from '../../core/image/picture-file.ts';
import { readLabels } from '../../core/labels.ts';
import { readModelBytes } from '../../core/onnx/read-model-bytes.ts';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { listRunFolders } from '../../core/runs/run-folders.ts';
import { RunLock } from '../../core/runs/run-lock.ts';
import { loadCheckpoint, loadCheckpointWeights } from '../../core/weights/checkpoint.ts';
import { loadWeights, readWeightsFile } from '../../core/weights/load-weights.ts';
import { checkOutput, outputPaths } from '../../export/output/output-paths.ts';
import { scanFolder } from '../../serve/models/scan-folder.ts';
import { readRuns } from '../../train/runs/read-run.ts';

const skip = process.platform === 'win32' && 'Windows has no named pipes in folders';
const folder = mkdtempSync(join(tmpdir(), 'regular-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const pipe = join(folder, 'pipe');
if (!skip) execFileSync('mkfifo', [pipe]);

/** A run whose file of that name is a pipe. */
function runWith(name: 'config.json' | 'log.jsonl'): string {
  const path = join(folder, `run-${name}`);
  mkdirSync(path);
  if (name !== 'config.json') {
    writeFileSync(join(path, 'config.json'), '{"model":"resnet20","dataset":"cifar100","epochs":1}');
  }
  symlinkSync(pipe, join(path, name));
  return path;
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const late = sleep(5000, undefined, { ref: false }).then(() => {
    throw new Error('it waits for ever');
  });
  return await Promise.race([work, late]);
}

describe('a pipe or a device is refused where a file is read', { skip }, () => {
  const readers: [string, (path: string) => Promise<unknown>][] = [
    ['any', readRegularFile],
    ['a model', (path) => readModelBytes(path, path)],
    ['weights', loadWeights],
    ['all weights', readWeightsFile],
    ['a checkpoint', loadCheckpoint],
    ["a checkpoint's weights", loadCheckpointWeights],
    ['a picture', readPictureFile],
    ['a dataset', async (path) => new FolderFiles(path, 'mend it').chunks('').next()],
    ['an archive', (path) => readArchive(path).next()],
    ['a digest', (path) => fileDigest(path, 'md5')],
    ['labels', (path) => readLabels(path, DISK)],
    ['preprocessing', (path) => readPreprocessing(path, DISK)],
    ['a model card', (path) => checkOutput({ ...outputPaths(join(folder, 'm.onnx')), card: path })],
  ];
  for (const [what, read] of readers) {
    it(`${what}`, async () => {
      for (const path of [pipe, '/dev/zero']) {
        await assert.rejects(inTime(read(path)), /it is not a file|cannot read|of another kind/, path);
      }
    });
  }

  it("a run's config and log, to read and to write", async () => {
    const [config, log] = [runWith('config.json'), runWith('log.jsonl')];
    await assert.rejects(
      inTime(RunDirectory.open(config).readConfig()),
      /config.json cannot be read: it is not/,
    );
    await assert.rejects(
      inTime(RunDirectory.open(log).readLog()),
      /log.jsonl cannot be read: it is not a file/,
    );
    await assert.rejects(inTime(RunDirectory.open(log).log({})), /log.jsonl is not a file; move it away/);
    const { runs, skipped } = await inTime(readRuns(folder));
    assert.deepEqual(runs, []);
    assert.equal(skipped.length, 2);
    assert.equal((await inTime(listRunFolders(folder))).length, 1);
  });

  it("a run's lock", async () => {
    const path = join(folder, 'locked');
    mkdirSync(path);
    symlinkSync(pipe, join(path, 'run.lock'));
    await assert.rejects(inTime(RunLock.take(path)), /lock is not a file; move it away/);
  });

  it('and models of a folder are found all the same', async () => {
    symlinkSync(pipe, join(folder, 'piped.onnx'));
    assert.deepEqual((await inTime(scanFolder(folder))).map(({ name }) => name).includes('piped'), true);
  });
});
