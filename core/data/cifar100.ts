import type { CifarBinary, CifarFamily, CifarPython } from './cifar/variant.ts';
import type { Normalization } from './dataset.ts';

/** Mean and standard deviation of the training images, as commonly used for CIFAR-100. */
export const CIFAR100_NORMALIZATION: Normalization = {
  mean: [0.5071, 0.4867, 0.4408],
  std: [0.2675, 0.2565, 0.2761],
};

const CIFAR100: CifarFamily = {
  dataset: 'cifar100',
  title: 'CIFAR-100',
  classes: 100,
  superclasses: 20,
  normalization: CIFAR100_NORMALIZATION,
};

/** CIFAR-100's binary version (https://www.cs.toronto.edu/~kriz/cifar.html). */
export const CIFAR100_BINARY: CifarBinary = {
  ...CIFAR100,
  layout: 'binary',
  folder: 'cifar-100-binary',
  files: { train: [{ name: 'train.bin', images: 50_000 }], test: [{ name: 'test.bin', images: 10_000 }] },
  names: { classes: 'fine_label_names.txt', superclasses: 'coarse_label_names.txt' },
  advice: 'fetch it again with npm run data',
};

/** CIFAR-100's Python version. */
export const CIFAR100_PYTHON: CifarPython = {
  ...CIFAR100,
  layout: 'python',
  folder: 'cifar-100-python',
  files: { train: [{ name: 'train', images: 50_000 }], test: [{ name: 'test', images: 10_000 }] },
  names: { file: 'meta', classes: 'fine_label_names', superclasses: 'coarse_label_names' },
  labels: { classes: 'fine_labels', superclasses: 'coarse_labels' },
  advice: 'fetch it again, or the binary version with npm run data',
};
