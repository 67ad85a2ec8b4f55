import { fileURLToPath } from 'node:url';
import type { CifarPython, CifarVariant } from '../../core/data/cifar/variant.ts';
import { CIFAR10_PYTHON } from '../../core/data/cifar10.ts';
import { CIFAR100_PYTHON } from '../../core/data/cifar100.ts';

/** The folder of what test/fixtures/data/make_cifar_python.py writes. */
export const FIXTURES = fileURLToPath(new URL('../fixtures/data', import.meta.url));

/** A variant whose files have so few images. */
export function smaller<V extends CifarVariant>(variant: V, train: number, test: number): V {
  const { files } = variant;
  return {
    ...variant,
    files: {
      train: files.train.map(({ name }) => ({ name, images: train })),
      test: files.test.map(({ name }) => ({ name, images: test })),
    },
  };
}

/** What the fixtures hold. */
export const SMALL_CIFAR10_PYTHON: CifarPython = smaller(CIFAR10_PYTHON, 1, 2);
export const SMALL_CIFAR100_PYTHON: CifarPython = smaller(CIFAR100_PYTHON, 3, 2);
