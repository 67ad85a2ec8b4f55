import { UserError } from '../../core/errors.ts';
import type { PinnedWheel } from '../pip.ts';
import type { Distribution } from '../wheel.ts';

/** The TensorFlow whose C library is used: the last one with both a CPU and a GPU build that was tried. */
export const TENSORFLOW_VERSION = '2.15.1';

export type Variant = 'cpu' | 'gpu';

export interface Release extends PinnedWheel {
  /** As in the wheel's file name and its `.dist-info` folder. */
  distribution: string;
}

/** What pip is told of the machine: the wheel is for it, whatever Python runs pip. */
export const PIP_PLATFORM = [
  ...['--python-version', '3.11', '--implementation', 'cp'],
  ...['--platform', 'manylinux_2_17_x86_64', '--platform', 'manylinux2014_x86_64'],
];

const TAGS = 'cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64';

export const RELEASES: Record<Variant, Release> = {
  cpu: {
    package: 'tensorflow-cpu',
    version: TENSORFLOW_VERSION,
    distribution: 'tensorflow_cpu',
    wheel: `tensorflow_cpu-${TENSORFLOW_VERSION}-${TAGS}.whl`,
    sha256: '54660c074d7241a503e81edfd9f5ef5af88f64051b72e2945f26318c790f2d26',
    megabytes: 207,
  },
  gpu: {
    package: 'tensorflow',
    version: TENSORFLOW_VERSION,
    distribution: 'tensorflow',
    wheel: `tensorflow-${TENSORFLOW_VERSION}-${TAGS}.whl`,
    sha256: 'bb0edd69103c154245c5f209f0507355cc68ba7e4de350084bc31edc562478e4',
    megabytes: 472,
  },
};

/** Which build a distribution is; undefined for another package. */
export function variantOf(distribution: string): Variant | undefined {
  return (['cpu', 'gpu'] as const).find((variant) => RELEASES[variant].distribution === distribution);
}

/**
 * Which build a distribution is.
 * @param source what to call it in the message
 * @throws UserError if it is not the TensorFlow that the binding is built against
 */
export function checkDistribution(distribution: Distribution, source: string): Variant {
  const variant = variantOf(distribution.name);
  if (variant === undefined || distribution.version !== TENSORFLOW_VERSION) {
    throw new UserError(
      `${source} is ${distribution.name} ${distribution.version}; needed is ` +
        `${RELEASES.cpu.package} or ${RELEASES.gpu.package} ${TENSORFLOW_VERSION}`,
    );
  }
  return variant;
}
