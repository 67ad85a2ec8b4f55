import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeSynthetic, SHAPE_NAMES, ShapeMask } from '../../core/data/synthetic.ts';
import { UserError } from '../../core/errors.ts';

const dataset = makeSynthetic({ train: 400, test: 200 });

test('100 named classes in 20 superclasses, every class equally often', () => {
  assert.equal(dataset.name, 'synthetic');
  assert.equal(new Set(dataset.labels).size, 100);
  assert.ok(dataset.labels.includes('striped triangle'));
  const { names, ofClass } = dataset.superclasses!;
  assert.equal(names.length, 20);
  for (const [k, label] of dataset.labels.entries()) assert.equal(label.split(' ')[1], names[ofClass[k]!]);
  for (const split of [dataset.train, dataset.test]) {
    assert.equal(split.images.length, split.count * 3072);
    const counts = new Uint32Array(100);
    for (const label of split.labels) counts[label]! += 1;
    assert.ok(counts.every((count) => count === split.count / 100));
  }
});

test('the same seed draws the same images, another seed and the other split draw others', () => {
  const again = makeSynthetic({ train: 400, test: 200 });
  assert.deepEqual(again.train.images, dataset.train.images);
  assert.deepEqual(again.test.images, dataset.test.images);
  // An image depends on its own index alone, not on how many are drawn.
  const fewer = makeSynthetic({ train: 100, splits: ['train'] });
  assert.deepEqual(fewer.train.images, dataset.train.images.subarray(0, 100 * 3072));
  assert.equal(fewer.test.count, 0);
  assert.notDeepEqual(
    makeSynthetic({ train: 1, test: 0, seed: 1 }).train.images,
    fewer.train.images.subarray(0, 3072),
  );
  assert.notDeepEqual(dataset.test.images.subarray(0, 3072), dataset.train.images.subarray(0, 3072));
});

test('the normalisation constants are those of the images', () => {
  const { images } = makeSynthetic({ train: 1000, splits: ['train'] }).train;
  let sum = 0;
  let squares = 0;
  for (const byte of images) {
    sum += byte / 255;
    squares += (byte / 255) ** 2;
  }
  const mean = sum / images.length;
  assert.ok(Math.abs(mean - dataset.normalization.mean[0]) < 0.02);
  assert.ok(Math.abs(Math.sqrt(squares / images.length - mean * mean) - dataset.normalization.std[0]) < 0.02);
});

test('shapes are of sensible size and all differ', () => {
  const pictures = SHAPE_NAMES.map((_, shape) => {
    const mask = new ShapeMask(shape);
    return Array.from({ length: 900 }, (_, i) =>
      mask.at(-1.2 + (i % 30) * 0.08, -1.2 + Math.floor(i / 30) * 0.08),
    );
  });
  for (const [a, picture] of pictures.entries()) {
    const share = picture.reduce((sum, value) => sum + value, 0) / picture.length;
    assert.ok(share > 0.08 && share < 0.6, `${SHAPE_NAMES[a]} covers ${share}`);
    assert.ok(picture.every((value) => value >= 0 && value <= 1));
    for (let b = 0; b < a; b++) {
      const difference = picture.reduce((sum, value, i) => sum + Math.abs(value - pictures[b]![i]!), 0);
      assert.ok(difference > 20, `${SHAPE_NAMES[a]} and ${SHAPE_NAMES[b]} differ by ${difference}`);
    }
  }
});

test('counts must be whole numbers', () => {
  assert.throws(() => makeSynthetic({ train: -1 }), UserError);
  assert.throws(() => makeSynthetic({ test: 1.5 }), UserError);
});
