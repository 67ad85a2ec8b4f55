import assert from 'node:assert/strict';
import { appendFile, mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { UserError } from '../../core/errors.ts';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';

const isUserError = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof UserError, String(error));
  assert.match(error.message, message);
  return true;
};

describe('a run directory', () => {
  it('is named by time and name unless it is asked for', async () => {
    const folder = await temporaryFolder();
    const before = process.cwd();
    process.chdir(folder);
    try {
      const run = await RunDirectory.create('resnet20-synthetic');
      assert.match(run.path, /^runs[/\\]\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-resnet20-synthetic$/);
      await run.writeConfig({ model: 'resnet20' });
      assert.equal(RunDirectory.open(run.path).path, run.path);
    } finally {
      process.chdir(before);
    }
    const mine = await RunDirectory.create('x', join(folder, 'deep', 'mine'));
    assert.equal(mine.path, join(folder, 'deep', 'mine'));
  });

  it('is not made over another run, or where there is a file', async () => {
    const folder = await temporaryFolder();
    const run = await RunDirectory.create('x', join(folder, 'r'));
    await run.writeConfig({ model: 'resnet20' });
    await assert.rejects(RunDirectory.create('x', run.path), isUserError(/already holds a run; .*--resume/));
    await writeFile(join(folder, 'file'), '');
    await assert.rejects(
      RunDirectory.create('x', join(folder, 'file')),
      isUserError(/^cannot make the run directory .*file: /),
    );
  });

  it('that was never begun is made anew, and the config of another program is not written over', async () => {
    const folder = await temporaryFolder();
    const run = await RunDirectory.create('x', join(folder, 'r'));
    await run.writeConfig({ model: 'resnet20', dataset: 'synthetic', epochs: 3 });
    assert.equal((await RunDirectory.create('x', run.path)).path, run.path);
    for (const name of ['last.safetensors', 'previous.safetensors', 'best.safetensors', 'log.jsonl']) {
      await writeFile(join(run.path, name), '');
      await assert.rejects(RunDirectory.create('x', run.path), isUserError(/already holds a run/), name);
      await rm(join(run.path, name));
    }
    for (const text of ['{"model_type": "resnet"}', '{', 'null']) {
      await writeFile(run.configPath, text);
      await assert.rejects(RunDirectory.create('x', run.path), isUserError(/already holds a run/), text);
      assert.equal(await readFile(run.configPath, 'utf8'), text);
    }
  });

  it('that holds no run is not opened', async () => {
    const folder = await temporaryFolder();
    const run = await RunDirectory.create('x', join(folder, 'r'));
    await run.writeConfig({});
    assert.throws(
      () => RunDirectory.open(run.checkpointPath('last')),
      isUserError(/last\.safetensors holds no training run .*; give .*r$/),
    );
    assert.throws(() => RunDirectory.open(folder), isUserError(/; npm run runs lists the runs$/));
    assert.throws(() => RunDirectory.open(folder), isUserError(/holds no training run/));
    assert.throws(() => RunDirectory.open(join(folder, 'nowhere')), isUserError(/holds no training run/));
  });

  it('keeps its config; a damaged one is refused', async () => {
    const run = await RunDirectory.create('x', join(await temporaryFolder(), 'r'));
    const config = { model: 'resnet20', epochs: 3, labels: ['a', 'ü'] };
    await run.writeConfig(config);
    assert.deepEqual(await run.readConfig(), config);
    await writeFile(run.configPath, '{"model": "resn');
    await assert.rejects(run.readConfig(), isUserError(/config\.json is not JSON/));
    for (const text of ['null', '[]', '7', '"text"']) {
      await writeFile(run.configPath, text);
      await assert.rejects(run.readConfig(), isUserError(/config\.json is not a JSON object/));
    }
  });

  it('keeps a log, whose last line may be cut short', async () => {
    const run = await RunDirectory.create('x', join(await temporaryFolder(), 'r'));
    assert.deepEqual(await run.readLog(), []);
    for (const epoch of [0, 1, 2]) await run.log({ epoch, loss: epoch / 2 });
    await appendFile(run.logPath, '{"epoch":3,"lo');
    assert.deepEqual(await run.readLog(), [
      { epoch: 0, loss: 0 },
      { epoch: 1, loss: 0.5 },
      { epoch: 2, loss: 1 },
    ]);
    await run.truncateLog(1);
    assert.equal(await readFile(run.logPath, 'utf8'), '{"epoch":0,"loss":0}\n');
    await run.log({ epoch: 1 });
    assert.deepEqual(await run.readLog(), [{ epoch: 0, loss: 0 }, { epoch: 1 }]);
  });
});

describe('the latest run', () => {
  async function folderOfRuns(): Promise<string> {
    const root = await temporaryFolder();
    const make = async (name: string, minute: number, config: object, checkpoints: ('best' | 'last')[]) => {
      const run = await RunDirectory.create('x', join(root, name));
      await run.writeConfig({ ...config });
      const time = new Date(2024, 0, 1, 0, minute);
      for (const which of checkpoints) {
        await writeFile(run.checkpointPath(which), '');
        await utimes(run.checkpointPath(which), time, time);
      }
    };
    await make('c', 1, { model: 'resnet20', dataset: 'cifar100' }, ['best', 'last']);
    await make('b', 2, { model: 'resnet20', dataset: 'synthetic' }, ['best', 'last']);
    await make('d', 3, { model: 'resnet18', dataset: 'cifar100' }, ['best']);
    await make('a', 4, { model: 'resnet20', dataset: 'cifar100' }, ['last']);
    await mkdir(join(root, 'no run'));
    await writeFile(join(root, 'file'), '');
    return root;
  }

  it('is that of the model with the newest checkpoint', async () => {
    const root = await folderOfRuns();
    const latest = async (...args: Parameters<typeof RunDirectory.latest>) =>
      (await RunDirectory.latest(...args))?.path;
    assert.equal(await latest('resnet20', root), join(root, 'b'));
    assert.equal(await latest('resnet18', root), join(root, 'd'));
    assert.equal(await latest('resnet20', root, { checkpoint: 'last' }), join(root, 'a'));
    assert.equal(await latest('resnet20', root, { dataset: 'cifar100' }), join(root, 'c'));
    assert.equal(await latest('resnet18', root, { checkpoint: 'last' }), undefined);
    assert.equal(await latest('resnet50', root), undefined);
    assert.equal(await latest('resnet20', join(root, 'nowhere')), undefined);
  });

  it('is not guessed past a damaged config', async () => {
    const root = await folderOfRuns();
    await writeFile(join(root, 'd', 'config.json'), '{');
    await assert.rejects(RunDirectory.latest('resnet20', root), isUserError(/d.config\.json is not JSON/));
  });
});
