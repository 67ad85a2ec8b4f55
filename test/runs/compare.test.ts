import assert from 'node:assert/strict';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { comparisonCharts, runCharts } from '../../train/runs/charts.ts';
import { configDifferences, shortNames } from '../../train/runs/compare.ts';
import { comparisonPage } from '../../train/runs/compare-html.ts';
import { comparisonLines } from '../../train/runs/compare-text.ts';
import { listLines, sortedSummaries } from '../../train/runs/list.ts';
import { parseEpochs } from '../../train/runs/parse-epochs.ts';
import { type RunRecord, readRun } from '../../train/runs/read-run.ts';
import { writePlots } from '../../train/runs/write-plots.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { assertWellFormed } from '../plot/well-formed.ts';
import { epochLogs } from './epoch-logs.ts';
import { writeRunFiles } from './write-run.ts';

async function twoRuns(names = ['a', 'b']): Promise<RunRecord[]> {
  const root = await temporaryFolder();
  await writeRunFiles(join(root, '0'), epochLogs(8, 0.1), { epochs: 8 });
  await writeRunFiles(join(root, '1'), epochLogs(4, 0.05), { epochs: 8, learningRate: 0.3, mixup: 0.2 });
  return Promise.all(names.map(async (name, i) => ({ ...(await readRun(join(root, `${i}`))), name })));
}

test('config differences are what is not the same in all, also keys that one lacks', () => {
  const rows = configDifferences([
    { config: { model: 'm', lr: 0.1, flip: true, labels: ['a', 'b', 'c', 'd'] } },
    { config: { model: 'm', lr: 0.2, flip: true, labels: ['a', 'b', 'c', 'e'], mixup: { alpha: 1 } } },
  ]);
  assert.deepEqual(rows, [
    { name: 'lr', values: ['0.1', '0.2'] },
    { name: 'labels', values: ['4: a, b, …', '4: a, b, …'] },
    { name: 'mixup', values: ['-', '{"alpha":1}'] },
  ]);
});

test('long values are shortened: hashes, normalisations', () => {
  const of = (hash: string, mean: number) => ({
    config: { data: { hash: hash.repeat(64) }, normalization: { mean: [mean, 0.5, 0.5], std: [1, 1, 1] } },
  });
  assert.deepEqual(configDifferences([of('a', 0.123456789), of('b', 0.223456789)]), [
    { name: 'normalization', values: ['{"mean":[0.123,0.5,0.5],"st…', '{"mean":[0.223,0.5,0.5],"st…'] },
    { name: 'data.hash', values: [`${'a'.repeat(27)}…`, `${'b'.repeat(27)}…`] },
  ]);
  // Not where two that differ would look the same.
  const notes = ['a', 'b'].map((end) => `a note of forty letters that ends with ${end}`);
  assert.deepEqual(configDifferences(notes.map((note) => ({ config: { note } }))), [
    { name: 'note', values: notes.map((note) => JSON.stringify(note)) },
  ]);
});

test('names are as short as they still differ', () => {
  const names = (...given: string[]) => shortNames(given);
  assert.deepEqual(names('2026-11-29-22-15-30-resnet20', '2026-11-29-22-48-02-resnet20'), [
    '…15-30-resnet20',
    '…48-02-resnet20',
  ]);
  // Little in common, nothing up to a separator, a name that the others go on from, one alone.
  for (const own of [['run-a', 'run-b'], ['resnet20', 'resnet200'], ['2026-11-29-resnet20']]) {
    assert.deepEqual(shortNames(own), own);
  }
  // What is left would be a letter, for six that are saved.
  assert.deepEqual(names('lite0-b', 'lite0-c'), ['lite0-b', 'lite0-c']);
  assert.deepEqual(names('sweep-one-', 'sweep-one-b'), ['sweep-one-', '…b']);
  assert.deepEqual(names('same-name-x', 'same-name-x'), ['…x', '…x']);
});

test('the page shows default names short, with the whole name beside, and lets what is long wrap', async () => {
  const full = ['2026-11-29-22-15-30-resnet20', '2026-11-29-22-48-02-resnet20'];
  const page = comparisonPage(await twoRuns(full));
  assert.match(page, /<th scope="col" title="2026-11-29-22-48-02-resnet20">…48-02-resnet20<\/th>/);
  assert.match(page, /<text[^>]*>…15-30-resnet20<\/text>/);
  assert.match(page, /\.tables th,\.tables td\{white-space:normal;overflow-wrap:anywhere/);
});

test('the terminal shows differences, results and curves to one scale', async () => {
  const text = comparisonLines(await twoRuns()).join('\n');
  assert.match(text, /^learningRate +0\.1 +0\.3$/m);
  assert.match(text, /^mixup +- +0\.2$/m);
  assert.doesNotMatch(text, /momentum/);
  assert.match(text, /^best top-1 +80\.00 % +20\.00 %$/m);
  assert.match(text, /^a {2}▂▃▄▅▅▆▇█$/m);
  assert.match(text, /^b {2}▁▂▂▃$/m);
});

test('an accuracy is told with the number of images it is of, where the log has it', async () => {
  const root = await temporaryFolder();
  const on = (images: number) => epochLogs(2, 0.1).map((entry) => ({ ...entry, testImages: images }));
  const validated = on(300).map((entry) => ({ ...entry, evaluatedOn: 'validation' as const }));
  const logs = { few: on(6), older: epochLogs(2, 0.1), validated };
  const runs = await Promise.all(
    Object.entries(logs).map(async ([name, log]) => {
      await writeRunFiles(join(root, name), log);
      return readRun(join(root, name));
    }),
  );
  const lines = listLines(sortedSummaries(runs, 'name'));
  assert.match(lines[0]!, /top-1 +top-5 +on +img\/s +time$/);
  assert.match(lines[1]!, /20\.00 % +40\.00 % +6 test images +150 +24s$/);
  assert.match(lines[2]!, /40\.00 % +- +150 +24s$/);
  assert.match(lines[3]!, /40\.00 % +300 validation images +150 +24s$/);
  // A narrow terminal has the columns that tell runs apart, and is told of the others.
  const narrow = listLines(sortedSummaries(runs, 'name'), 80);
  assert.ok(
    narrow.every((line) => line.length <= 80),
    narrow.join('\n'),
  );
  assert.match(narrow[3]!, /^validated .*40\.00 % +300 validation images/);
  assert.match(narrow[4]!, /^no room for dataset, model; --json has all$/);
  // The table of epochs says which images they are too.
  assert.match(comparisonPage([runs[2]!, runs[2]!]), /<th scope="col">validation top-1, %<\/th>/);
  const text = comparisonLines(runs).join('\n');
  assert.match(text, /^on +6 test images +- +300 validation images$/m);
  assert.doesNotMatch(comparisonLines([runs[1]!, runs[1]!]).join('\n'), /^on /m);
});

test('runs that were not measured on the same images say so', async () => {
  const root = await temporaryFolder();
  const of = (test: string, validation?: string) => {
    const split = (images: string) => ({ images, labels: 'l' });
    return { data: { hash: { test: split(test), ...(validation && { validation: split(validation) }) } } };
  };
  const validated = epochLogs(1, 0.1).map((entry) => ({ ...entry, evaluatedOn: 'validation' }) as const);
  const cases = [
    { name: 'same', logs: epochLogs(1, 0.1), configs: [of('a', 'x'), of('a', 'y')], told: false },
    { name: 'other', logs: epochLogs(1, 0.1), configs: [of('a'), of('b')], told: true },
    { name: 'chosen', logs: validated, configs: [of('a', 'x'), of('a', 'y')], told: true },
    { name: 'older', logs: epochLogs(1, 0.1), configs: [of('a'), {}], told: false },
  ];
  for (const { name, logs, configs, told } of cases) {
    const runs = await Promise.all(
      configs.map(async (config, i) => {
        await writeRunFiles(join(root, `${name}${i}`), logs, config);
        return readRun(join(root, `${name}${i}`));
      }),
    );
    const line =
      /not of the same images: of a folder without test\/ each --seed holds out others unless --val-seed is given/;
    assert.equal(line.test(comparisonLines(runs).join('\n')), told, name);
    assert.equal(line.test(comparisonPage(runs)), told, name);
  }
});

test('of five classes or fewer nobody is told a top-5: list, comparison, page, plots', async () => {
  const root = await temporaryFolder();
  const few = { labels: ['cat', 'dog', 'owl'] };
  await writeRunFiles(join(root, 'few'), epochLogs(2, 0.1), few);
  await writeRunFiles(join(root, 'many'), epochLogs(2, 0.1));
  const [a, b] = [await readRun(join(root, 'few')), await readRun(join(root, 'many'))];
  const list = (...runs: RunRecord[]) => listLines(sortedSummaries(runs, 'name')).join('\n');
  assert.doesNotMatch(list(a, a), /top-5/);
  // Beside a run that has one, a dash.
  assert.match(
    list(a, b),
    /top-1 +top-5 +img\/s[\s\S]*^few .* 20\.00 % +- +150 .*$[\s\S]*^many .* 20\.00 % +40\.00 %/m,
  );
  assert.doesNotMatch(comparisonLines([a, a]).join('\n'), /top-5/);
  assert.match(comparisonLines([a, b]).join('\n'), /^top-5 then +- +40\.00 %$/m);
  assert.doesNotMatch(comparisonPage([a, a]), /top-5/i);
  assert.match(comparisonPage([a, b]), /<td>-<\/td><td>40\.00 %<\/td>[\s\S]*Top-5[\s\S]*test top-5, %/);
  for (const { path, plots } of [
    { path: a.path, plots: ['learning-rate.svg', 'loss.svg', 'top1.svg'] },
    { path: b.path, plots: ['learning-rate.svg', 'loss.svg', 'top1.svg', 'top5.svg'] },
  ]) {
    const files = (await writePlots(new RunDirectory(path))).map((file) => basename(file));
    assert.deepEqual(files.filter((name) => name.endsWith('.svg')).sort(), plots);
  }
});

test('the terminal says when there is nothing to compare', async () => {
  const [run] = await twoRuns();
  const empty = { ...run!, epochs: [] };
  const text = comparisonLines([empty, empty]).join('\n');
  assert.match(text, /^config +the same +the same$/m);
  assert.match(text, /no epoch has been finished yet/);
});

test('control characters in names do not reach the terminal', async () => {
  const text = comparisonLines(await twoRuns(['a\u001b[2J', 'b\nc'])).join('\n');
  assert.ok(!text.includes('\u001b') && !text.includes('b\nc'));
});

test('the page is well-formed, self-contained and escapes names', async () => {
  const page = comparisonPage(await twoRuns(['<script>alert(1)</script>', '"&\'']), { logLoss: true });
  const elements = assertWellFormed(page);
  const count = (name: string) => elements.filter((element) => element.name === name).length;
  assert.deepEqual([count('script'), count('link'), count('img'), count('iframe')], [0, 0, 0, 0]);
  assert.doesNotMatch(page, /https?:|url\(|@import|\bsrc=|\bhref=/);
  assert.deepEqual([count('svg'), count('table'), count('caption')], [4, 4, 4]);
  for (const { attributes } of elements.filter(({ name }) => name === 'th')) {
    assert.ok(attributes.scope === 'col' || attributes.scope === 'row');
  }
  assert.match(page, /<html lang="en">/);
  assert.match(page, /prefers-color-scheme:dark/);
});

test('a page of runs without epochs is whole', async () => {
  const page = comparisonPage((await twoRuns()).map((run) => ({ ...run, epochs: [] })));
  assertWellFormed(page);
  assert.equal(page.match(/no values yet<\/text>/g)?.length, 4);
  assert.doesNotMatch(page, /NaN|undefined/);
});

test('charts count epochs from 1 and show accuracy in percent', () => {
  const epochs = epochLogs(2);
  const { top1, top5, loss } = runCharts(epochs);
  assert.deepEqual(top1.series[1]!.points, [
    { x: 1, y: 10 },
    { x: 2, y: 20 },
  ]);
  assert.equal(top1.series[1]!.name, 'test, best 20.00 % in epoch 2');
  assert.equal(top5.series[0]!.name, 'test, best 40.00 % in epoch 2');
  // Of held-out images it is not said that they are the test's.
  const held = parseEpochs(epochs.map((entry) => ({ ...entry, evaluatedOn: 'validation' })));
  assert.equal(runCharts(held).top1.series[1]!.name, 'validation, best 20.00 % in epoch 2');
  const both = [held, epochs].map((each, i) => ({ name: `${i}`, epochs: each }));
  assert.equal(comparisonCharts(both).top1.title, 'Top-1 accuracy on the test or validation set, %');
  assert.deepEqual(
    loss.series.map(({ points }) => points[0]!.y),
    [4, 4.25],
  );
});

test('in a comparison a run has one colour, its training loss dashed and not in the legend', () => {
  const runs = ['a', 'b'].map((name) => ({ name, epochs: epochLogs(2) }));
  const { loss } = comparisonCharts(runs);
  assert.deepEqual(
    loss.series.map(({ name, color, dashed, legend }) => [name, color, dashed, legend]),
    [
      ['a', undefined, undefined, undefined],
      ['b', undefined, undefined, undefined],
      ['a, training', 0, true, false],
      ['b, training', 1, true, false],
    ],
  );
  assert.equal(comparisonCharts(runs, { logLoss: true }).loss.yScale, 'log');
});

test('a loss that spikes is drawn on a logarithmic scale, one that falls is not', () => {
  const falling = epochLogs(40);
  const spiked = falling.map((entry) => (entry.epoch === 7 ? { ...entry, testLoss: 900 } : entry));
  for (const [epochs, scale] of [
    [falling, 'linear'],
    [spiked, 'log'],
    [falling.slice(0, 1), 'linear'],
    [[], 'linear'],
  ] as const) {
    assert.equal(runCharts(epochs).loss.yScale, scale);
    assert.equal(comparisonCharts([{ name: 'a', epochs }]).loss.yScale, scale);
  }
  assert.equal(comparisonCharts([{ name: 'a', epochs: spiked }], { logLoss: false }).loss.yScale, 'linear');
});
