import assert from 'node:assert/strict';
import { readFile, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { findRun } from '../../export/sources/choose-source.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { runCli } from './run-cli.ts';
import { CONFIG, writeRun } from './trained-run.ts';

describe('the export command', () => {
  it('exports the newest run of the model and says what comes next', async () => {
    const folder = await temporaryFolder();
    await writeRun(join(folder, 'runs', 'a'));
    const { code, stdout, stderr } = await runCli(folder, '--model', 'resnet20');
    assert.deepEqual([code, stderr], [0, '']);
    const file = await readFile(join(folder, 'exports', 'resnet20.onnx'));
    assert.match(stdout, /^weights {3}runs\/a, best checkpoint$/m);
    assert.match(stdout, /^model {5}resnet20 \(synthetic, 100 classes\) in exports\/resnet20\.onnx$/m);
    assert.match(
      stdout,
      new RegExp(`^size {6}${(file.length / 1e6).toFixed(2)} MB, 278,324 parameters`, 'm'),
    );
    assert.match(stdout, /^format {4}ONNX opset 15, IR 8, fp32; NCHW in, logits out$/m);
    assert.match(stdout, /^with it {3}exports\/resnet20\.labels\.txt, exports\/resnet20\.md$/m);
    assert.match(stdout, /^cost {6}40\.8 million multiply-accumulates an image$/m);
    assert.match(stdout, /^accuracy {2}top-1 75\.00 %, top-5 90\.00 % on 2000 test images$/m);
    assert.match(stdout, /^verified {2}onnxruntime differs from the checkpoint by \d\.\de-\d at most/m);
    assert.match(stdout, /npm run serve -- --model exports\/resnet20\.onnx$/m);
    assert.match(stdout, /npm run demo -- --model exports\/resnet20\.onnx$/m);
  });

  it('takes --run, --checkpoint and --out, and quotes a path for the shell', async () => {
    const folder = await temporaryFolder();
    await writeRun(join(folder, 'r'), { progress: { epoch: 0, batch: 9 } });
    const { code, stdout, stderr } = await runCli(
      folder,
      ...['--run', 'r', '--checkpoint', 'last', '--out', "it's mine.onnx"],
    );
    assert.deepEqual([code, stderr], [0, '']);
    assert.ok((await readFile(join(folder, "it's mine.onnx"))).length > 1_000_000);
    assert.match(stdout, /^accuracy {2}not measured/m);
    assert.ok(stdout.includes("npm run serve -- --model 'it'\\''s mine.onnx'\n"), stdout);
  });

  it('answers mistakes with one line and exit code 1', async () => {
    const folder = await temporaryFolder();
    await writeRun(join(folder, 'runs', 'a'), { checkpoints: [] });
    const cases: [string[], RegExp][] = [
      [[], /no run under runs\/ has a best checkpoint; .*--run DIR/],
      [['--model', 'resnet20'], /no run under runs\/ has a best checkpoint of resnet20; .*npm run train/],
      [['--run', 'runs/a', '--batch', '0'], /--batch is dynamic or a number from 1 to 65536, not "0"/],
      [['--model', 'alexnet'], /--model is .*resnet20, .*, not "alexnet"/],
      [['--run', 'runs/b'], /runs\/b holds no training run/],
      [['--run', 'runs/a'], /cannot read the checkpoint runs\/a\/best\.safetensors/],
      [['--run', 'runs/a', '--model', 'resnet18'], /runs\/a trained resnet20, not resnet18/],
      [['--run', 'runs/a', '--dataset', 'cifar100'], /runs\/a trained on synthetic, not cifar100/],
      [['--run', 'runs/a', '--checkpoint', 'first'], /--checkpoint is best, last, not "first"/],
    ];
    for (const [args, message] of cases) {
      const { code, stdout, stderr } = await runCli(folder, ...args);
      assert.equal(code, 1);
      assert.match(stderr, message);
      assert.match(stderr, /^error: [^\n]+\n$/);
      assert.doesNotMatch(stdout, /model/);
    }
  });
});

describe('finding the run', () => {
  it('takes the newest that has the checkpoint, by dataset if asked', async () => {
    const root = join(await temporaryFolder(), 'runs');
    const make = async (name: string, minute: number, dataset: string, checkpoints: ('best' | 'last')[]) => {
      const made = await writeRun(join(root, name), { config: { ...CONFIG, dataset }, checkpoints });
      const time = new Date(2024, 0, 1, 0, minute);
      for (const which of checkpoints) await utimes(made.checkpointPath(which), time, time);
    };
    await make('z-oldest', 1, 'cifar100', ['best', 'last']);
    await make('m-middle', 2, 'synthetic', ['best']);
    await make('a-newest', 3, 'synthetic', ['last']);
    const found = async (query: Parameters<typeof findRun>[0]) => (await findRun({ root, ...query })).path;
    assert.equal(await found({ model: 'resnet20' }), join(root, 'm-middle'));
    assert.equal(await found({ model: 'resnet20', checkpoint: 'last' }), join(root, 'a-newest'));
    assert.equal(await found({ model: 'resnet20', dataset: 'cifar100' }), join(root, 'z-oldest'));
    await assert.rejects(found({ model: 'resnet32' }), /has a best checkpoint of resnet32/);
  });
});
