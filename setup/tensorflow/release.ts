import { existsSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../core/errors.ts';
import { nodeApiFolder, tfjsFolder, tfjsVersion } from '../../core/tensorflow/binding.ts';
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

/** Where the parts of the set-up lie. */
export interface Places {
  /** Outlives node_modules, so that `npm ci` does not cost the download again. */
  cache: string;
  /** TensorFlow's libraries and headers: `lib/`, `include/` and `installed.json`. */
  library: string;
  /** The built binding. It is of a version of tfjs-node and of Node's stable ABI, so Node may change. */
  binding: string;
  /** What is being made; renamed into place when whole, cleared by the next run if one was killed. */
  unfinished: string;
  /** Where the binding is built. Not in node_modules, which a failed build would litter, and not in the
   * project, whose path may have blanks in it, which make does not take. */
  build: string;
  buildLog: string;
  /** The package in node_modules, which gets a link to the library and a copy of the binding. */
  tfjs: string;
}

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/** In a checkout beside node_modules; of an installed package, which npm replaces as it likes, with the user's caches. */
function projectCache(): string {
  if (existsSync(join(PROJECT, 'package.json'))) return join(PROJECT, '.tensorflow');
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'onnx-classifier', 'tensorflow');
}

/** The places of this project; a test gives its own. */
export function projectPlaces(cache = projectCache(), tfjs = tfjsFolder()): Places {
  return {
    cache,
    library: join(cache, 'library'),
    binding: join(cache, 'binding', `${tfjsVersion(tfjs)}-${nodeApiFolder()}`, 'tfjs_binding.node'),
    unfinished: join(cache, 'unfinished'),
    build: join(tmpdir(), `tfjs-binding-${process.pid}`),
    buildLog: join(cache, 'build.log'),
    tfjs,
  };
}

/** TensorFlow's libraries in a wheel; the second is loaded by the first. */
export const WHEEL_LIBRARIES = [
  'tensorflow/libtensorflow_cc.so.2',
  'tensorflow/libtensorflow_framework.so.2',
] as const;

/** The headers that the binding includes, directly or not. Of a wheel's 155 MB of headers these are 6. */
const HEADER_FOLDERS = ['tensorflow/c/', 'tensorflow/core/platform/', 'tsl/c/', 'tsl/platform/'];

const WHEEL_HEADERS = 'tensorflow/include/';

/** True for a path below `include/` that the build may read. */
export function isNeededHeader(path: string): boolean {
  return path.endsWith('.h') && HEADER_FOLDERS.some((folder) => path.startsWith(folder));
}

/** Where a file of a wheel goes in the library folder; undefined if it is not needed. */
export function wheelTarget(path: string): string | undefined {
  if ((WHEEL_LIBRARIES as readonly string[]).includes(path)) {
    return `lib/${path.slice('tensorflow/'.length)}`;
  }
  if (!path.startsWith(WHEEL_HEADERS)) return undefined;
  const header = path.slice(WHEEL_HEADERS.length);
  return isNeededHeader(header) ? `include/${header}` : undefined;
}
