/** The TensorFlow whose C library is used: the last one with both a CPU and a GPU build that was tried. */
export const TENSORFLOW_VERSION = '2.15.1';

export type Variant = 'cpu' | 'gpu';

export interface Release {
  /** The package's name on the Python package index. */
  package: string;
  /** As in the wheel's file name and its `.dist-info` folder. */
  distribution: string;
  wheel: string;
  /** Of the wheel, as the package index states it. */
  sha256: string;
  /** Download in MB, and unpacked, for messages. */
  megabytes: number;
}

const TAGS = 'cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64';

export const RELEASES: Record<Variant, Release> = {
  cpu: {
    package: 'tensorflow-cpu',
    distribution: 'tensorflow_cpu',
    wheel: `tensorflow_cpu-${TENSORFLOW_VERSION}-${TAGS}.whl`,
    sha256: '54660c074d7241a503e81edfd9f5ef5af88f64051b72e2945f26318c790f2d26',
    megabytes: 207,
  },
  gpu: {
    package: 'tensorflow',
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
