import type { CifarBinary, CifarFamily, CifarPython } from './cifar/variant.ts';

const CIFAR10: CifarFamily = {
  dataset: 'cifar10',
  title: 'CIFAR-10',
  classes: 10,
  superclasses: 0,
  // Of the training images, as commonly used.
  normalization: { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] },
};

const BATCHES = [1, 2, 3, 4, 5];

/** CIFAR-10's binary version (https://www.cs.toronto.edu/~kriz/cifar.html). */
export const CIFAR10_BINARY: CifarBinary = {
  ...CIFAR10,
  layout: 'binary',
  folder: 'cifar-10-batches-bin',
  files: {
    train: BATCHES.map((batch) => ({ name: `data_batch_${batch}.bin`, images: 10_000 })),
    test: [{ name: 'test_batch.bin', images: 10_000 }],
  },
  names: { classes: 'batches.meta.txt' },
  advice: 'fetch it again with npm run data -- --dataset cifar10',
};

/** CIFAR-10's Python version. */
export const CIFAR10_PYTHON: CifarPython = {
  ...CIFAR10,
  layout: 'python',
  folder: 'cifar-10-batches-py',
  files: {
    train: BATCHES.map((batch) => ({ name: `data_batch_${batch}`, images: 10_000 })),
    test: [{ name: 'test_batch', images: 10_000 }],
  },
  names: { file: 'batches.meta', classes: 'label_names' },
  labels: { classes: 'labels' },
  advice: 'fetch it again, or the binary version with npm run data -- --dataset cifar10',
};
