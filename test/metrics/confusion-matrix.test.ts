import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { byAccuracy, classReports } from '../../core/metrics/class-report.ts';
import { ClassificationMetrics } from '../../core/metrics/classification-metrics.ts';
import { ConfusionMatrix } from '../../core/metrics/confusion-matrix.ts';
import { Random } from '../../core/random.ts';

/** 4 classes: class 0 right 3 of 4, 1 right 1 of 2 (once taken for 0), 2 never right, 3 without images. */
function example(): ConfusionMatrix {
  const matrix = new ConfusionMatrix(4);
  for (const [label, predicted] of [
    [0, 0],
    [0, 0],
    [0, 0],
    [0, 2],
    [1, 1],
    [1, 0],
    [2, 0],
    [2, 1],
    [2, 1],
  ] as const)
    matrix.count(label, predicted);
  return matrix;
}

describe('confusion matrix', () => {
  it('has the true class in its rows and the prediction in its columns', () => {
    const matrix = example();
    assert.equal(matrix.at(0, 2), 1);
    assert.equal(matrix.at(2, 0), 1);
    assert.equal(matrix.at(2, 1), 2);
    assert.equal(matrix.images(2), 3);
    assert.equal(matrix.predictions(0), 5);
    assert.equal(matrix.accuracy(), 4 / 9);
    assert.equal(new ConfusionMatrix(3).accuracy(), 0);
  });

  it('counts batches as top-1 does: ties, infinities and NaNs included', () => {
    const classes = 5;
    const images = 400;
    const random = new Random(3);
    const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1, 1, 0, -0, 2];
    const logits = Float32Array.from(
      { length: images * classes },
      () => special[Math.floor(random.uniform() * special.length)]!,
    );
    // Some images of nothing but NaN.
    logits.fill(Number.NaN, 0, 3 * classes);
    const labels = Array.from({ length: images }, () => Math.floor(random.uniform() * classes));
    const matrix = new ConfusionMatrix(classes);
    const metrics = new ClassificationMetrics(classes);
    matrix.add(logits, labels, images);
    metrics.add(logits, labels, images);
    const { top1Correct, top1 } = metrics.result();
    let correct = 0;
    let predicted = 0;
    for (let c = 0; c < classes; c++) {
      correct += matrix.at(c, c);
      predicted += matrix.predictions(c);
    }
    assert.ok(top1Correct > 0 && top1Correct < images);
    assert.equal(correct, top1Correct);
    assert.equal(matrix.accuracy(), top1);
    // The images without a prediction are in no column.
    assert.ok(predicted <= images - 3);
  });

  it('counts only the first n of a padded batch', () => {
    const matrix = new ConfusionMatrix(2);
    matrix.add(Float32Array.of(0, 1, 1, 0), [1, 1], 1);
    assert.deepEqual([matrix.at(1, 1), matrix.at(1, 0), matrix.images(1)], [1, 0, 1]);
  });

  it('of groups takes a class of the same group for right', () => {
    const groups = example().grouped([0, 1, 1, 0], 2);
    assert.deepEqual([groups.at(0, 0), groups.at(0, 1), groups.at(1, 0), groups.at(1, 1)], [3, 1, 2, 3]);
    assert.equal(groups.images(1), 5);
    assert.equal(groups.accuracy(), 6 / 9);
    assert.throws(() => example().grouped([0, 1, 2, 0], 2), RangeError);
    assert.throws(() => example().grouped([0, 1], 2), RangeError);
  });

  it('refuses what is no class', () => {
    const matrix = new ConfusionMatrix(2);
    for (const label of [-1, 2, 0.5, Number.NaN]) {
      assert.throws(() => matrix.count(label, 0), RangeError);
      assert.throws(() => matrix.count(0, label), RangeError);
    }
    assert.throws(() => matrix.add(new Float32Array(3), [0, 1], 2), RangeError);
    assert.throws(() => matrix.add(new Float32Array(4), [0], 2), RangeError);
    for (const classes of [0, -1, 1.5]) assert.throws(() => new ConfusionMatrix(classes), RangeError);
  });
});

describe('class reports', () => {
  const reports = classReports(example(), ['a', 'b', 'c', 'd']);

  it('have accuracy, precision and what a class is taken for', () => {
    assert.deepEqual(reports[2], {
      index: 2,
      name: 'c',
      images: 3,
      correct: 0,
      accuracy: 0,
      precision: 0,
      confusedWith: [
        { index: 1, name: 'b', images: 2 },
        { index: 0, name: 'a', images: 1 },
      ],
    });
    assert.deepEqual([reports[0]!.accuracy, reports[0]!.precision], [3 / 4, 3 / 5]);
    assert.ok(Number.isNaN(reports[3]!.accuracy) && Number.isNaN(reports[3]!.precision));
  });

  it('are ranked without the classes that have no images', () => {
    assert.deepEqual(
      byAccuracy(reports).map(({ name }) => name),
      ['a', 'b', 'c'],
    );
  });
});
