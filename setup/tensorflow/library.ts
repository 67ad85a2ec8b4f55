import { mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileDigest } from '../../core/data/checksum.ts';
import { UserError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/fs/atomic-write.ts';
import { findProgram, runProgram } from '../programs.ts';
import { copyFromFolder, findInFolder } from './folder.ts';
import { checkDistribution, type Places, RELEASES, TENSORFLOW_VERSION, type Variant } from './release.ts';
import { Wheel } from './wheel.ts';

/** What `installed.json` says of the libraries in the cache. */
export interface InstalledLibrary {
  /** `custom`: a libtensorflow of the user's own. */
  variant: Variant | 'custom';
  /** Absent for `custom`; TensorFlow says its version when it runs. */
  version?: string;
  /** Where it came from, for a person who wonders. */
  source: string;
  /** The library files by their paths in the library folder. */
  files: Record<string, { sha256: string; bytes: number }>;
}

/**
 * Names by which the linker and the loader look for the libraries. A binding built against one main library
 * asks for it by that name for ever, so both names are there, whichever library is.
 */
const ALIASES = {
  main: ['libtensorflow.so', 'libtensorflow.so.2', 'libtensorflow_cc.so.2'],
  framework: ['libtensorflow_framework.so', 'libtensorflow_framework.so.2'],
};

/** The libraries in the cache, if they are whole as far as their sizes tell. */
export async function readInstalled(library: string): Promise<InstalledLibrary | undefined> {
  let installed: InstalledLibrary;
  try {
    installed = JSON.parse(await readFile(join(library, 'installed.json'), 'utf8')) as InstalledLibrary;
    for (const [path, { bytes }] of Object.entries(installed.files)) {
      if ((await stat(join(library, path))).size !== bytes) return undefined;
    }
  } catch {
    return undefined;
  }
  return installed;
}

/** Where the libraries come from: a release to download, or files that the user has. */
export type LibrarySource = { variant: Variant } | { from: string };

/** What `installed.json` calls the given files: a wheel by its name, for it is the same wherever it lies. */
export function sourceName(path: string): string {
  return path.endsWith('.whl') ? basename(path) : resolve(path);
}

/**
 * Puts TensorFlow's libraries and headers into the cache, whole or not at all.
 * @param say told what is being done
 * @throws UserError if they cannot be had or are damaged
 */
export async function installLibrary(
  places: Places,
  source: LibrarySource,
  say: (line: string) => void,
  onProgress?: (done: number, total: number) => void,
): Promise<InstalledLibrary> {
  await rm(places.unfinished, { recursive: true, force: true });
  const folder = join(places.unfinished, 'library');
  await mkdir(folder, { recursive: true });
  try {
    const { digests, ...origin } = await fill(folder, places, source, say, onProgress);
    await linkNames(folder, [...digests.keys()]);
    const files: InstalledLibrary['files'] = {};
    for (const [path, sha256] of digests) {
      files[path] = { sha256, bytes: (await stat(join(folder, path))).size };
    }
    const installed: InstalledLibrary = { ...origin, files };
    await writeFileAtomic(join(folder, 'installed.json'), `${JSON.stringify(installed, undefined, 2)}\n`);
    await rm(places.library, { recursive: true, force: true });
    await rename(folder, places.library);
    return installed;
  } finally {
    await rm(places.unfinished, { recursive: true, force: true });
  }
}

type Filled = Omit<InstalledLibrary, 'files'> & { digests: Map<string, string> };

async function fill(
  folder: string,
  places: Places,
  source: LibrarySource,
  say: (line: string) => void,
  onProgress?: (done: number, total: number) => void,
): Promise<Filled> {
  let path: string;
  if ('variant' in source) {
    const release = RELEASES[source.variant];
    say(`downloading ${release.package} ${TENSORFLOW_VERSION} (${release.megabytes} MB)`);
    path = await downloadWheel(source.variant, places.unfinished);
  } else {
    path = source.from;
    const info = await stat(path).catch(() => undefined);
    if (!info) throw new UserError(`there is no ${path}; give a wheel or a folder with --from`);
    if (info.isDirectory()) {
      const found = await findInFolder(path);
      say(
        `copying TensorFlow's libraries from ${path}${found.wheel ? '' : ', unverified, for it has no RECORD'}`,
      );
      const digests = await copyFromFolder(found, folder);
      const known = found.wheel && { variant: found.wheel.variant, version: TENSORFLOW_VERSION };
      return { ...(known ?? { variant: 'custom' }), source: sourceName(path), digests };
    }
  }
  const wheel = await Wheel.open(path);
  try {
    const variant = checkDistribution(wheel.distribution, path);
    // A wheel for another Python has the same libraries, but its digest is not known.
    if (basename(path) === RELEASES[variant].wheel && 'from' in source) await checkWheelDigest(path, variant);
    say(`unpacking ${basename(path)}`);
    const digests = await wheel.unpack(folder, onProgress);
    return { variant, version: TENSORFLOW_VERSION, source: sourceName(path), digests };
  } finally {
    wheel.close();
  }
}

async function linkNames(folder: string, libraries: readonly string[]): Promise<void> {
  const names = libraries.map((path) => basename(path));
  const framework = names.find((name) => name.startsWith('libtensorflow_framework'))!;
  const main = names.find((name) => name !== framework)!;
  for (const [target, aliases] of [
    [main, ALIASES.main],
    [framework, ALIASES.framework],
  ] as const) {
    for (const alias of aliases) {
      if (!names.includes(alias)) await symlink(target, join(folder, 'lib', alias));
    }
  }
}

/** How pip says that it could not reach the package index, as opposed to finding nothing there. */
const NETWORK_TROUBLE =
  /NewConnectionError|Connection(?:Refused|Reset)?Error|ConnectTimeout|Read ?timed out|name resolution|Max retries|ProxyError|SSLError|Network is unreachable/i;

const PLATFORMS = ['manylinux_2_17_x86_64', 'manylinux2014_x86_64'];

/** How pip is called here: as a module of Python, or by its own name. */
async function findPip(): Promise<[program: string, ...args: string[]] | undefined> {
  for (const [name, ...args] of [
    ['python3', '-m', 'pip'],
    ['python', '-m', 'pip'],
    ['pip3'],
    ['pip'],
  ] as const) {
    const program = findProgram(name);
    if (program === undefined) continue;
    if ((await runProgram(program, [...args, '--version'], { timeoutMs: 60_000 })).status === 0) {
      return [program, ...args];
    }
  }
  return undefined;
}

/**
 * Downloads TensorFlow's wheel with pip, which knows the machine's mirrors, proxies and its own cache.
 * @returns the wheel's path in `folder`
 * @throws UserError if there is no pip, no network, no such wheel, or another file than the pinned one
 */
async function downloadWheel(variant: Variant, folder: string): Promise<string> {
  const release = RELEASES[variant];
  const advice = `or get ${release.wheel} elsewhere and give it with --from`;
  const pip = await findPip();
  if (!pip) throw new UserError(`downloading TensorFlow takes Python's pip; install python3-pip, ${advice}`);
  const [program, ...args] = pip;
  const output = await runProgram(program, [
    ...args,
    'download',
    '--no-deps',
    '--only-binary=:all:',
    '--python-version',
    '3.11',
    '--implementation',
    'cp',
    ...PLATFORMS.flatMap((platform) => ['--platform', platform]),
    '--disable-pip-version-check',
    '--no-input',
    '--dest',
    folder,
    `${release.package}==${TENSORFLOW_VERSION}`,
  ]);
  if (output.status !== 0)
    throw new UserError(`${explain(output.stderr, release.package)}; mend that, ${advice}`);
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw new UserError(`pip downloaded no wheel; ${advice}`);
  const path = join(folder, wheel);
  await checkWheelDigest(path, variant);
  return path;
}

/**
 * Compares a wheel with the digest pinned for it.
 * @throws UserError if it is another file
 */
async function checkWheelDigest(path: string, variant: Variant): Promise<void> {
  const actual = await fileDigest(path, 'sha256');
  const expected = RELEASES[variant].sha256;
  if (actual === expected) return;
  const { size } = await stat(path);
  throw new UserError(
    `${path} (${(size / 1e6).toFixed(1)} MB) is truncated or not the expected wheel: ` +
      `its SHA-256 is ${actual}, not ${expected}`,
  );
}

function explain(stderr: string, name: string): string {
  if (NETWORK_TROUBLE.test(stderr))
    return 'pip cannot reach the package index; check the network or the proxy';
  if (/No matching distribution|Could not find a version/.test(stderr)) {
    return `the package index that pip uses has no ${name} ${TENSORFLOW_VERSION} for Linux x86-64`;
  }
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const last = lines.findLast((line) => line.startsWith('ERROR')) ?? lines.at(-1) ?? 'no reason given';
  return `pip fails: ${last.replace(/^ERROR: /, '').trim()}`;
}
