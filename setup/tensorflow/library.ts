import { mkdir, rm, stat, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { UserError } from '../../core/errors.ts';
import { type Installed, putInPlace, sourceName } from '../installed.ts';
import { checkWheelDigest, downloadWheel } from '../pip.ts';
import { Wheel } from '../wheel.ts';
import { copyFromFolder, findInFolder } from './folder.ts';
import {
  checkDistribution,
  PIP_PLATFORM,
  type Places,
  RELEASES,
  TENSORFLOW_VERSION,
  type Variant,
  WHEEL_LIBRARIES,
  wheelTarget,
} from './release.ts';

/** What `installed.json` says of the libraries in the cache. */
export interface InstalledLibrary extends Installed {
  /** `custom`: a libtensorflow of the user's own. */
  variant: Variant | 'custom';
  /** Absent for `custom`; TensorFlow says its version when it runs. */
  version?: string;
}

/**
 * Names by which the linker and the loader look for the libraries. A binding built against one main library
 * asks for it by that name for ever, so both names are there, whichever library is.
 */
const ALIASES = {
  main: ['libtensorflow.so', 'libtensorflow.so.2', 'libtensorflow_cc.so.2'],
  framework: ['libtensorflow_framework.so', 'libtensorflow_framework.so.2'],
};

/** Where the libraries come from: a release to download, or files that the user has. */
export type LibrarySource = { variant: Variant } | { from: string };

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
    return await putInPlace<InstalledLibrary>(folder, places.library, origin, digests);
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
    path = await downloadWheel(release, places.unfinished, 'TensorFlow', PIP_PLATFORM);
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
    if (basename(path) === RELEASES[variant].wheel && 'from' in source)
      await checkWheelDigest(path, RELEASES[variant]);
    say(`unpacking ${basename(path)}`);
    const missing = WHEEL_LIBRARIES.find((library) => !wheel.files.includes(library));
    if (missing !== undefined) {
      throw new UserError(`${path} holds no ${missing}; take a wheel of tensorflow-cpu or tensorflow`);
    }
    const targets = new Map(
      wheel.files.flatMap((file): [string, string][] => {
        const target = wheelTarget(file);
        return target === undefined ? [] : [[file, target]];
      }),
    );
    const unpacked = await wheel.unpack(targets, folder, onProgress);
    const digests = new Map([...unpacked].filter(([target]) => target.startsWith('lib/')));
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
