import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../core/errors.ts';
import { nodeApiFolder, tfjsFolder, tfjsVersion } from '../../core/tensorflow/binding.ts';

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

/** A Python distribution by its metadata folder. */
export interface Distribution {
  /** `tensorflow_cpu-2.15.1.dist-info` */
  folder: string;
  name: string;
  version: string;
}

/** The distribution among the paths of a wheel; undefined if there is no metadata folder. */
export function parseDistInfo(paths: Iterable<string>): Distribution | undefined {
  for (const path of paths) {
    const match = /^(([\w.]+)-([\w.+!]+)\.dist-info)(\/|$)/.exec(path);
    if (match) return { folder: match[1]!, name: match[2]!.toLowerCase(), version: match[3]! };
  }
  return undefined;
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

/** The places of this project; a test gives its own. */
export function projectPlaces(cache = join(PROJECT, '.tensorflow'), tfjs = tfjsFolder()): Places {
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

/** What a wheel's RECORD says of one of its files. */
interface RecordedFile {
  /** Lower-case hexadecimal. */
  sha256: string;
  bytes: number;
}

/**
 * Parses a wheel's RECORD, a CSV of `path,sha256=<URL-safe base64>,size`. Lines without a digest, as RECORD's
 * own, are left out.
 * @see https://packaging.python.org/en/latest/specifications/recording-installed-packages/
 */
export function parseRecord(text: string): Map<string, RecordedFile> {
  const files = new Map<string, RecordedFile>();
  for (const line of text.split(/\r?\n/)) {
    // Only a path with a comma or a quote in it is quoted.
    const match = /^(?:"((?:[^"]|"")*)"|([^,"]*)),sha256=([\w-]{43})=*,(\d+)$/.exec(line);
    if (!match) continue;
    const [, quoted, plain, digest, bytes] = match;
    const path = quoted?.replaceAll('""', '"') ?? plain!;
    files.set(path, { sha256: Buffer.from(digest!, 'base64url').toString('hex'), bytes: Number(bytes) });
  }
  return files;
}

/**
 * Compares a file with its line in RECORD.
 * @param source where the file came from, for the message
 * @throws UserError if it has no line or another digest
 */
export function checkRecorded(
  record: ReadonlyMap<string, RecordedFile>,
  path: string,
  sha256: string,
  source: string,
): void {
  const expected = record.get(path);
  if (!expected)
    throw new UserError(`${source} has no checksum for ${path} in its RECORD; get the wheel again`);
  if (expected.sha256 !== sha256) {
    throw new UserError(`${path} in ${source} is damaged or changed: its SHA-256 is not the one in RECORD`);
  }
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
