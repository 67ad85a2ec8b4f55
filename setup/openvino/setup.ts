import { mkdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { UserError } from '../../core/errors.ts';
import { C_LIBRARY, libraryFolder, OPENVINO_CACHE, OPENVINO_VERSION } from '../../core/openvino/library.ts';
import { processArguments } from '../../core/workers/thread.ts';
import { type Installed, putInPlace, readInstalled, sourceName } from '../installed.ts';
import { checkWheelDigest, downloadWheel, type PinnedWheel } from '../pip.ts';
import { runProgram } from '../programs.ts';
import { Wheel } from '../wheel.ts';

export const RELEASE: PinnedWheel = {
  package: 'openvino',
  version: OPENVINO_VERSION,
  wheel: `openvino-${OPENVINO_VERSION}-22982-cp311-cp311-manylinux_2_28_x86_64.whl`,
  sha256: '2d22b1da03f7caf74df30e9f6417d0ab2f637e4a38e08e1dcd294d2c37407aaf',
  megabytes: 59,
};

/** What pip is told of the machine: the libraries are the same whatever Python runs pip. */
const PIP_PLATFORM = [
  ...['--python-version', '3.11', '--implementation', 'cp'],
  ...['--platform', 'manylinux_2_28_x86_64'],
];

/**
 * What ONNX models on a CPU take of the wheel's 27 libraries: the runtime, its C interface, the CPU's kernels, the reader
 * of ONNX files, and the threads that all of them run in. The others are for GPUs and NPUs and read other formats.
 */
export const LIBRARIES = [
  C_LIBRARY,
  C_LIBRARY.replace('_c', ''),
  C_LIBRARY.replace('_c', '_onnx_frontend'),
  'libopenvino_intel_cpu_plugin.so',
  'libtbb.so.12',
  'libtbbmalloc.so.2',
  'libtbbbind_2_5.so.3',
  'libhwloc.so.15',
];

const WHEEL_LIBRARIES = 'openvino/libs/';

/** OpenVINO's licence and those of what is in it, below the cache's `library/`. */
const LICENCES = 'licenses';

/** Where the parts of the set-up lie; a test gives its own. */
export interface OpenVinoPlaces {
  library: string;
  /** What is being made; renamed into place when whole, cleared by the next run if one was killed. */
  unfinished: string;
}

export function openVinoPlaces(cache = OPENVINO_CACHE): OpenVinoPlaces {
  return { library: libraryFolder(cache), unfinished: join(cache, 'unfinished') };
}

export interface InstallOptions {
  /** A wheel that the user has; else it is downloaded. */
  from?: string | undefined;
  say: (line: string) => void;
  /** Called while the wheel is unpacked. */
  onProgress?: (done: number, total: number) => void;
}

/**
 * Puts OpenVINO's libraries into the cache, whole or not at all.
 * @throws UserError if they cannot be had, are damaged or of another version
 */
export async function installOpenVino(
  { library, unfinished }: OpenVinoPlaces,
  { from, say, onProgress }: InstallOptions,
): Promise<Installed> {
  await rm(unfinished, { recursive: true, force: true });
  const folder = join(unfinished, 'library');
  await mkdir(folder, { recursive: true });
  try {
    const path = from ?? (await download(unfinished, say));
    const digests = await unpack(path, folder, say, onProgress);
    const installed = await putInPlace(folder, library, { source: sourceName(path) }, digests);
    say(
      `OpenVINO is under the Apache License 2.0; that and those of what is in it are in ${join(library, LICENCES)}`,
    );
    return installed;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

async function download(folder: string, say: (line: string) => void): Promise<string> {
  say(`downloading ${RELEASE.package} ${RELEASE.version} (${RELEASE.megabytes} MB)`);
  return downloadWheel(RELEASE, folder, 'OpenVINO', PIP_PLATFORM);
}

async function unpack(
  path: string,
  folder: string,
  say: (line: string) => void,
  onProgress?: (done: number, total: number) => void,
): Promise<Map<string, string>> {
  const info = await stat(path).catch(() => undefined);
  if (!info?.isFile()) throw new UserError(`there is no file ${path}; give OpenVINO's wheel with --from`);
  const wheel = await Wheel.open(path);
  try {
    const { name, version, folder: metadata } = wheel.distribution;
    if (name !== RELEASE.package || version !== RELEASE.version) {
      throw new UserError(`${path} is ${name} ${version}; needed is ${RELEASE.package} ${RELEASE.version}`);
    }
    // A wheel for another Python has the same libraries, but its digest is not known.
    if (basename(path) === RELEASE.wheel) await checkWheelDigest(path, RELEASE);
    const missing = LIBRARIES.find((library) => !wheel.files.includes(`${WHEEL_LIBRARIES}${library}`));
    if (missing !== undefined) {
      throw new UserError(`${path} holds no ${WHEEL_LIBRARIES}${missing}; take a wheel for Linux x86-64`);
    }
    say(`unpacking ${basename(path)}`);
    const libraries = LIBRARIES.map((library) => [`${WHEEL_LIBRARIES}${library}`, library] as const);
    // Refused without them: who hands the libraries on has to.
    const texts = wheel.files.flatMap((file) => {
      const [, target] = new RegExp(`^[^/]+/${LICENCES}/(.+[^/])$`).exec(file) ?? [];
      return file.startsWith(`${metadata}/`) && target !== undefined
        ? [[file, join(LICENCES, target)] as const]
        : [];
    });
    if (texts.length === 0)
      throw new UserError(`${path} holds no licences; take the wheel as it was published`);
    return await wheel.unpack(new Map([...libraries, ...texts]), folder, onProgress);
  } finally {
    wheel.close();
  }
}

/** What the child process answers. */
export type ProbeAnswer = { error: string } | { milliseconds: number };

const CHILD = new URL('./probe-child.ts', import.meta.url);
const TIMEOUT_MS = 120_000;

/**
 * Loads OpenVINO in a process of its own and runs a small net there: a library that does not suit the processor kills the
 * process that loads it.
 * @returns in one line why it does not work; undefined if it does
 */
export async function probeOpenVino(): Promise<string | undefined> {
  const output = await runProgram(process.execPath, processArguments(CHILD), { timeoutMs: TIMEOUT_MS });
  if (output.signal === 'SIGILL') return "this processor lacks instructions that OpenVINO's library uses";
  if (output.status !== 0) {
    const last = output.stderr.trim().split('\n').at(-1);
    return `OpenVINO ends with ${output.signal ?? `exit code ${output.status}`}: ${last}`;
  }
  const answer = JSON.parse(output.stdout.trimEnd().split('\n').at(-1)!) as ProbeAnswer;
  return 'error' in answer ? answer.error : undefined;
}

/**
 * Sets OpenVINO up: its libraries into the cache, and a net computed to prove it. What is done already is left alone.
 * @returns whether anything was done
 * @throws UserError if a step fails; only whole libraries are put in place
 */
export async function setUpOpenVino(
  places: OpenVinoPlaces,
  { force = false, ...options }: InstallOptions & { force?: boolean },
): Promise<boolean> {
  const installed = await readInstalled(places.library);
  const isDone = !force && installed !== undefined;
  const isOther = options.from !== undefined && installed?.source !== sourceName(options.from);
  const installs = !isDone || isOther;
  if (installs) await installOpenVino(places, options);
  const trouble = await probeOpenVino();
  if (trouble === undefined) return installs;
  throw new UserError(installs ? trouble : `${trouble}; npm run setup:openvino -- --force makes it anew`);
}
