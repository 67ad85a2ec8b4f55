import assert from 'node:assert/strict';
import { test } from 'node:test';
import { percentSpread, tableDocument, tableLines } from '../../train/ablation/markdown.ts';
import { honestLabel, referenceDifferences } from '../../train/ablation/reference.ts';
import { spread, summarizeRuns } from '../../train/ablation/results.ts';
import { EpochCost } from '../../train/ablation/run-ablation.ts';
import { cellRun } from './cell-runs.ts';
import { isUserError } from './is-user-error.ts';
import { readTables } from './read-markdown.ts';

/** Close enough for sums of a few floats. */
function near(actual: number | null | undefined, expected: number): void {
  assert.ok(Math.abs((actual ?? Number.NaN) - expected) < 1e-12, `${actual} is not ${expected}`);
}

test('mean and sample standard deviation', () => {
  const three = spread([0.6, 0.62, 0.67]);
  assert.equal(three?.n, 3);
  near(three?.mean, 0.63);
  // Squares of -0.03, -0.01 and 0.04 are 0.0026 in all; by n - 1 = 2.
  near(three?.deviation, Math.sqrt(0.0013));
  assert.deepEqual(spread([0.5]), { n: 1, mean: 0.5, deviation: null });
  assert.equal(spread([0.5, 0.5])?.deviation, 0);
  assert.equal(spread([]), undefined);
});

test('accuracies as the table shows them', () => {
  assert.equal(percentSpread(spread([0.6, 0.62, 0.67])), '63.00 ± 3.61 %');
  assert.equal(percentSpread(spread([0.65124])), '65.12 % (n=1)');
  assert.equal(percentSpread(undefined), '–');
});

const RUNS = [
  // Best before the end, so that final and best differ.
  cellRun('baseline', 2, [
    [0.3, 0.6],
    [0.5, 0.8],
    [0.4, 0.9],
  ]),
  cellRun('baseline', 1, [
    [0.1, 0.5],
    [0.2, 0.6],
    [0.3, 0.7],
  ]),
  cellRun('both', 1, [
    [0.2, 0.4],
    [0.25, 0.5],
    [0.55, 0.95],
  ]),
];

test('the headline is the final epoch, the best one is a further column', () => {
  const results = summarizeRuns(RUNS, ['baseline', 'cutmix', 'both'], []);
  const [baseline, cutmix, both] = results.cells;
  near(baseline?.finalTop1?.mean, 0.35);
  // 0.05 on either side: sqrt((0.0025 + 0.0025) / 1).
  near(baseline?.finalTop1?.deviation, Math.sqrt(0.005));
  near(baseline?.finalTop5?.mean, 0.8);
  near(baseline?.bestTop1?.mean, 0.4);
  near(baseline?.bestTop5?.mean, 0.75);
  assert.deepEqual(
    baseline?.runs.map(({ seed, bestEpoch }) => [seed, bestEpoch]),
    [
      [1, 3],
      [2, 2],
    ],
  );
  assert.deepEqual([cutmix?.runs, cutmix?.finalTop1], [[], undefined]);
  assert.equal(both?.finalTop1?.deviation, null);
  // 64 images are 4 batches of 16.
  assert.deepEqual([results.stepsPerRun, results.imagesPerRun, results.epochs], [12, 192, 3]);

  const [table] = readTables(tableLines(results));
  const crop = 'random crop (padding 4) + flip';
  assert.deepEqual(table?.slice(1), [
    ['baseline', crop, '2', '35.00 ± 7.07 %', '80.00 ± 14.14 %', '40.00 ± 14.14 %', '3, 2', '100'],
    ['cutmix', `${crop} + CutMix (beta 1, probability 0.5)`, '0', '–', '–', '–', '–', '–'],
    [
      'both',
      `${crop} + AutoAugment (CIFAR-10 policy) + CutMix (beta 1, probability 0.5)`,
      '1',
      '55.00 % (n=1)',
      '95.00 % (n=1)',
      '55.00 % (n=1)',
      '3',
      '100',
    ],
  ]);
});

test('of few classes the table has no top-5', () => {
  const run = cellRun('baseline', 1, [[0.5, 1]], { labels: ['cat', 'dog'] });
  const [table] = readTables(tableLines(summarizeRuns([run], ['baseline', 'both'], [])));
  assert.deepEqual(table?.[0]?.slice(2, 5), ['runs', 'top-1, final epoch', 'top-1, best epoch']);
  assert.deepEqual(
    table?.slice(1).map((row) => row.slice(2, 5)),
    [
      ['1', '50.00 % (n=1)', '50.00 % (n=1)'],
      ['0', '–', '–'],
    ],
  );
});

test('images a second are those of all training, not a mean of rates', () => {
  const run = cellRun('baseline', 1, [
    [0.1, 0.2],
    [0.1, 0.2],
  ]);
  // 1000 images in 10 s, 300 in 1 s.
  Object.assign(run.record.epochs[1]!, { imagesPerSecond: 300, trainSeconds: 1 });
  near(summarizeRuns([run], ['baseline'], []).cells[0]?.imagesPerSecond?.mean, 1300 / 11);
});

test('runs that differ in more than cell and seed are not averaged', () => {
  const summarize =
    (...runs: typeof RUNS) =>
    () =>
      summarizeRuns(runs, ['baseline', 'both'], []);
  const accuracies: [number, number][] = [[0.1, 0.2]];
  const first = cellRun('baseline', 1, accuracies);
  assert.throws(
    summarize(first, cellRun('both', 1, accuracies, { learningRate: 0.2 })),
    isUserError(/both-seed1 does not belong .*: learningRate is 0\.2 and not 0\.05$/),
  );
  assert.throws(
    summarize(first, cellRun('both', 1, accuracies, { cutmixProb: 1 })),
    isUserError(/cutmixProb is 1 and not 0\.5$/),
  );
  // Also the first run has to be what its directory says.
  assert.throws(
    summarize(cellRun('baseline', 1, accuracies, { seed: 3 })),
    isUserError(/seed is 3 and not 1$/),
  );
  assert.throws(summarize(), isUserError(/no run is finished yet/));
});

test('of the data it is said what was held out, not where it lies', () => {
  const settingsOf = (data: Record<string, unknown>) =>
    summarizeRuns([cellRun('baseline', 1, [[0.5, 0.8]], { data })], ['baseline'], []).config;
  const place = { path: '/home/somebody/data', hash: { train: { images: '00' } } };
  assert.ok(!('data' in settingsOf(place)));
  const heldOut = { share: 0.1, seed: 3 };
  assert.deepEqual(settingsOf({ ...place, heldOut }).data, { heldOut });
});

test('the document is well-formed and says what it is', () => {
  const unfinished = [{ cell: 'cutmix' as const, seed: 2, epochsDone: 1 }];
  const results = summarizeRuns(RUNS, ['baseline', 'cutmix', 'both'], unfinished);
  results.config = { ...results.config, odd: 'a|b `c`\nd' };
  const command = ['npm run ablation -- --epochs 3', 'npm run ablation -- --table-only'];
  const lines = tableDocument(results, command).split('\n');
  const text = lines.join('\n');
  const tables = readTables(lines);
  assert.deepEqual(
    tables.map((rows) => rows[0]?.[0]),
    ['cell', 'setting'],
  );
  const settings = Object.fromEntries(tables[1]!.slice(1) as [string, string][]);
  assert.equal(settings.learningRate, '0.05');
  assert.equal(settings.engine, 'ort');
  assert.equal(settings.classes, '100');
  assert.equal(settings.odd, 'a\\|b \\`c\\`\uFFFDd');
  for (const key of ['augment', 'cutmixProb', 'cutmixBeta', 'seed', 'labels'])
    assert.ok(!(key in settings), key);

  assert.equal(lines.filter((line) => /^# /.test(line)).length, 1);
  assert.equal(lines.filter((line) => line.startsWith('```')).length, 2);
  assert.ok(text.includes(`\`\`\`sh\n${command.join('\n')}\n\`\`\``));
  assert.match(text, /final epoch.*sample standard deviation \(n - 1\), seeds 1, 2;/);
  assert.match(text, /optimistic/);
  assert.match(text, /- A run is 12 steps, 192 images seen\./);
  assert.match(text, /- Not in the table: cutmix with seed 2 \(1 of 3 epochs done\)\./);
  assert.match(text, /synthetic .*says nothing about CIFAR-100/);
  assert.match(
    text,
    /83\.21 % top-1 and 96\.21 % top-5\. .*not to be compared.*model resnet8 instead of resnet50/,
  );
});

test('the label names what differs from the reference, and nothing else', () => {
  const reference = {
    model: 'resnet50',
    dataset: 'cifar100',
    trainImages: 50_000,
    epochs: 200,
    config: { lrPerEpoch: true, replicas: 1, accumulate: 1, batchSize: 128 },
  };
  assert.deepEqual(referenceDifferences(reference), []);
  assert.doesNotMatch(honestLabel(reference).join(' '), /not to be compared|synthetic|Batch norm/);
  const small = { ...reference, model: 'resnet20', epochs: 30, trainImages: 10_000 };
  assert.deepEqual(referenceDifferences(small), [
    'model resnet20 instead of resnet50',
    '30 epochs instead of 200',
    '10000 training images instead of 50000',
  ]);
  const shared = { ...reference, config: { ...reference.config, replicas: 2, accumulate: 2 } };
  assert.match(honestLabel(shared).join(' '), /Batch norm sees 32 images of a batch of 128/);
});

test('what is left is told from the epochs of the same cell, else of any, else from the guess', () => {
  const cost = new EpochCost();
  const left = [
    { cell: 'baseline' as const, epochs: 2 },
    { cell: 'both' as const, epochs: 3 },
  ];
  assert.ok(Number.isNaN(cost.seconds(left)));
  assert.equal(cost.seconds(left, 10), 50);
  cost.add('both', [
    { trainSeconds: 15, testSeconds: 5 },
    { trainSeconds: 35, testSeconds: 5 },
  ]);
  assert.equal(cost.seconds(left, 10), 5 * 30);
  cost.add('baseline', [{ trainSeconds: 5, testSeconds: 1 }]);
  assert.equal(cost.seconds(left), 2 * 6 + 3 * 30);
});
