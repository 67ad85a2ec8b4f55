import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadDataset } from '../../core/data/load.ts';
import { type DatasetReport, reportDataset, reportLines } from '../../core/data/report/dataset-report.ts';
import { testImagesInTraining } from '../../core/data/report/duplicates.ts';
import { command } from '../commands/command.ts';
import { picture, writeColors, writeTree } from './image-folder.ts';
import { temporaryFolder } from './temporary-folder.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/** Three classes, with duplicates of every kind, odd pictures and a broken file. */
async function faultyFolder(): Promise<string> {
  const root = await temporaryFolder();
  await writeColors(root, 4, 2);
  const copy = (from: string, to: string) => copyFile(join(root, from), join(root, to));
  await copy('train/red/000.png', 'train/red/copy.png');
  await copy('train/red/000.png', 'train/blue/copy.png');
  await copy('train/red/001.png', 'test/red/copy.png');
  await copy('train/green/002.png', 'test/blue/copy.png');
  await copy('test/blue/000.png', 'test/blue/again.png');
  const plain = (value: number) => picture(1, 32, 32).linear([0, 0, 0], [value, value, value]).png();
  await writeTree(root, {
    'train/green/flat.png': plain(90),
    'train/green/small.png': picture(5, 12, 12).png(),
    'train/green/wide.png': picture(6, 200, 40).png(),
  });
  await writeFile(join(root, 'train/red/broken.png'), 'no image');
  await writeFile(join(root, 'train/red/notes.txt'), 'x');
  return root;
}

function report(...args: string[]) {
  const { CIFAR100_DIR: _, ...env } = process.env;
  return spawnSync(process.execPath, command('data', ...args), { cwd: PROJECT, env, encoding: 'utf8' });
}

it('data --report says what is wrong with a folder, as text and as JSON', async () => {
  const root = await faultyFolder();
  const { stdout, status, stderr } = report('--report', '--data', root, '--json');
  assert.equal(status, 0, stderr);
  const found = JSON.parse(stdout) as DatasetReport;
  assert.deepEqual(found.images, { train: 17, test: 9 });
  assert.deepEqual(
    found.classCounts.map(({ label, train, test }) => [label, train, test]),
    [
      ['blue', 5, 4],
      ['green', 7, 2],
      ['red', 5, 3],
    ],
  );
  const { within, across, groups } = found.duplicates;
  assert.deepEqual(within, { train: { images: 2, conflicting: 1 }, test: { images: 1, conflicting: 0 } });
  assert.deepEqual(across, [{ split: 'test', in: 'train', images: 2, conflicting: 1 }]);
  const names = ({ images }: (typeof groups)[number]) =>
    images.map(({ file }) => file!.slice(root.length + 1)).sort();
  assert.deepEqual(groups.map((group) => [group.conflicting, names(group)]).sort(), [
    [false, ['test/blue/000.png', 'test/blue/again.png']],
    [false, ['test/red/copy.png', 'train/red/001.png']],
    [true, ['test/blue/copy.png', 'train/green/002.png']],
    [true, ['train/blue/copy.png', 'train/red/000.png', 'train/red/copy.png']],
  ]);
  assert.deepEqual(found.odd.map(({ what, file }) => [what, file!.slice(root.length + 1)]).sort(), [
    ['enlarged', 'train/green/small.png'],
    ['mostly cut off', 'train/green/wide.png'],
    ['one colour', 'train/green/flat.png'],
  ]);
  assert.equal(found.broken.length, 1);
  assert.match(found.broken[0]!, /broken\.png is no PNG/);
  assert.deepEqual(found.notes, ['not read: 1 .txt']);
  const lines = reportLines(found);
  for (const line of [
    /^ {2}train: from 5 \(blue\) to 7 \(green\) images of a class$/,
    /^ {2}within train: 2, 1 with another label$/,
    /^ {2}test images that stand in train: 2, 1 under another label$/,
    /^odd images, one colour: 1$/,
    /^files that cannot be read: 1$/,
    /^not read: 1 \.txt$/,
  ]) {
    assert.equal(lines.filter((text) => line.test(text)).length, 1, `${line} in\n${lines.join('\n')}`);
  }
});

it('class folders alone have a report too', async () => {
  const root = await temporaryFolder();
  await writeColors(root, 3, 1);
  const { stdout, status, stderr } = report('--report', '--data', join(root, 'train'));
  assert.equal(status, 0, stderr);
  assert.match(stdout, /: 3 classes, 9 train images of 32 x 32\n {2}train: 3 images of each class\n/);
  assert.doesNotMatch(stdout, /test/);
});

it('options that do not go together are refused', () => {
  for (const [args, message] of [
    [['--report', '--dir', 'x'], /--dir is for a download; a report takes --data DIR/],
    [['--json'], /--json is for --report; add it/],
    [
      ['--dataset', 'folder'],
      /--dataset folder is nothing to download; give cifar100 or cifar10, or --report/,
    ],
  ] as const) {
    const { status, stderr } = report(...args);
    assert.equal(status, 1);
    assert.match(stderr, /^error: [^\n]+\n$/);
    assert.match(stderr, message);
  }
});

const CIFAR = process.env.CIFAR100_DIR;
const skip = CIFAR ? false : 'set CIFAR100_DIR to look at CIFAR-100';

it('CIFAR-100 itself has duplicates', { skip }, async () => {
  const dataset = await loadDataset({ dataset: 'cifar100', dir: CIFAR });
  const { duplicates, odd, classCounts } = reportDataset(dataset, { broken: [], notes: [] });
  assert.deepEqual(duplicates.within, {
    train: { images: 14, conflicting: 9 },
    test: { images: 2, conflicting: 2 },
  });
  assert.deepEqual(duplicates.across, [{ split: 'test', in: 'train', images: 10, conflicting: 6 }]);
  assert.equal(duplicates.groups.length, 26);
  assert.deepEqual(odd, []);
  assert.ok(classCounts.every(({ train, test }) => train === 500 && test === 100));
  const leaveOut = testImagesInTraining(dataset);
  assert.equal(leaveOut.size, 10);
  assert.ok(leaveOut.has(187) && leaveOut.has(3429));
});
