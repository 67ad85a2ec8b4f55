import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CIFAR100_LABELS,
  CIFAR100_SUPERCLASS_NAMES,
  superclassesOf,
} from '../../core/data/cifar100-superclasses.ts';
import { loadDataset } from '../../core/data/load.ts';

test('there are 20 superclasses of 5 classes each', () => {
  assert.equal(CIFAR100_SUPERCLASS_NAMES.length, 20);
  const names = superclassesOf(CIFAR100_LABELS)!;
  assert.equal(new Set(CIFAR100_LABELS).size, 100);
  for (const name of CIFAR100_SUPERCLASS_NAMES) assert.equal(names.filter((n) => n === name).length, 5, name);
  assert.equal(superclassesOf(['apple', 'bear']), undefined);
  assert.equal(superclassesOf(Array.from({ length: 100 }, (_, i) => `class ${i}`)), undefined);
});

const dir = process.env.CIFAR100_DIR;

test('they are those of the dataset', {
  skip: dir ? false : 'set CIFAR100_DIR to where CIFAR-100 is; npm run data downloads it',
}, async () => {
  const { labels, superclasses } = await loadDataset({ dataset: 'cifar100', dir, splits: ['test'] });
  assert.deepEqual([...CIFAR100_LABELS], labels);
  assert.deepEqual([...CIFAR100_SUPERCLASS_NAMES], superclasses!.names);
  assert.deepEqual(
    superclassesOf(labels),
    Array.from(superclasses!.ofClass, (index) => superclasses!.names[index]),
  );
});
