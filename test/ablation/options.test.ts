import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CELL_NAMES, type CellName, cellConfig, parseCells, parseSeeds } from '../../train/ablation/cells.ts';
import { planRuns } from '../../train/ablation/planned-run.ts';
import { commandText } from '../../train/ablation/write-results.ts';
import { createPipeline } from '../../train/loader/augment/pipeline.ts';
import { configDifferences } from '../../train/runs/compare.ts';
import { CONFIG } from '../train/support/tiny-run.ts';
import { isUserError } from './is-user-error.ts';

test('seeds are a list, or how many', () => {
  assert.deepEqual(parseSeeds('3'), [1, 2, 3]);
  assert.deepEqual(parseSeeds('1'), [1]);
  assert.deepEqual(parseSeeds('5, 2'), [5, 2]);
  assert.deepEqual(parseSeeds('7,'), [7]);
  for (const text of ['x', '1.5,2', '-1', '1,,2', ',', '']) {
    assert.throws(() => parseSeeds(text), isUserError(/--seeds takes how many.* or a list of seeds/));
  }
  assert.throws(() => parseSeeds('0'), isUserError(/--seeds 0: from 1/));
  assert.throws(() => parseSeeds('20260101'), isUserError(/for seed 20260101 alone write "20260101,"/));
  assert.throws(() => parseSeeds('1,2,1'), isUserError(/--seeds has 1 twice/));
});

test('cells come in the order of the table', () => {
  assert.deepEqual(parseCells('both,baseline'), ['baseline', 'both']);
  assert.throws(() => parseCells('cutmix,mixup'), isUserError(/"mixup" is none of them/));
  assert.throws(() => parseCells(''), isUserError(/--cells takes a list/));
});

test('the cells differ in exactly the augmentation, and do what their names say', () => {
  const config = (cell: CellName) => ({ config: { ...cellConfig(CONFIG, cell, 1) } });
  const differing = (a: CellName, b: CellName) =>
    configDifferences([config(a), config(b)])
      .map(({ name }) => name)
      .sort();
  assert.deepEqual(differing('baseline', 'cutmix'), ['cutmixProb']);
  assert.deepEqual(differing('baseline', 'autoaugment'), ['augment']);
  assert.deepEqual(differing('baseline', 'both'), ['augment', 'cutmixProb']);
  assert.deepEqual(differing('cutmix', 'autoaugment'), ['augment', 'cutmixProb']);

  const standard = ['RandomCrop', 'HorizontalFlip'];
  const loader = Object.fromEntries(
    CELL_NAMES.map((cell) => {
      const { image, batch } = createPipeline(cellConfig(CONFIG, cell, 1), { height: 32, width: 32 });
      return [cell, [...image, ...batch].map((transform) => transform.constructor.name)];
    }),
  );
  assert.deepEqual(loader, {
    baseline: standard,
    cutmix: [...standard, 'CutMix'],
    autoaugment: [...standard, 'AutoAugment'],
    both: [...standard, 'AutoAugment', 'CutMix'],
  });
});

test('every cell gets every seed, all cells of a seed first, each in a directory of its own', () => {
  const runs = planRuns('out', CONFIG, ['baseline', 'both'], [1, 5]);
  assert.deepEqual(
    runs.map(({ path, config }) => [path, config.seed, config.augment, config.cutmixProb]),
    [
      ['out/baseline-seed1', 1, 'standard', 0],
      ['out/both-seed1', 1, 'autoaugment', 0.5],
      ['out/baseline-seed5', 5, 'standard', 0],
      ['out/both-seed5', 5, 'autoaugment', 0.5],
    ],
  );
});

test('a command can be typed again', () => {
  assert.equal(commandText([]), 'npm run ablation');
  assert.equal(
    commandText(['--seeds', '1,2', '--out', "a b/it's", '--lr=0.1']),
    "npm run ablation -- --seeds 1,2 --out 'a b/it'\\''s' --lr=0.1",
  );
});
