import { constants, type Dirent } from 'node:fs';
import { copyFile, mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileDigest } from '../../core/data/checksum.ts';
import { UserError } from '../../core/errors.ts';
import { isFile } from '../../core/fs/regular-file.ts';
import { checkRecorded, type Distribution, parseDistInfo, parseRecord } from '../wheel.ts';
import { checkDistribution, isNeededHeader, TENSORFLOW_VERSION, type Variant, variantOf } from './release.ts';

/** Unpacked libraries, found in a folder. */
export interface FolderSource {
  /** Their files by the names they get in `lib/`. */
  libraries: ReadonlyMap<string, string>;
  include: string;
  /** Of an unpacked wheel or a site-packages folder; absent: a bare libtensorflow of unknown origin. */
  wheel?: { variant: Variant; record: string; root: string };
}

const MAIN_LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow.so.2'];
const C_API = 'tensorflow/c/c_api.h';
const FRAMEWORK = 'libtensorflow_framework.so.2';

/**
 * Finds TensorFlow's libraries and headers in an unpacked wheel, a site-packages folder (`tensorflow/`
 * with `.dist-info` beside it), the `tensorflow/` folder itself, or an unpacked libtensorflow (`lib/`,
 * `include/`).
 * @throws UserError if there are none, or those of another version
 */
export async function findInFolder(folder: string): Promise<FolderSource> {
  const package_ = join(folder, 'tensorflow');
  const distribution = await findDistribution(folder);
  if (distribution && (await isFile(join(package_, MAIN_LIBRARIES[0]!)))) {
    const variant = checkDistribution(distribution, folder);
    const record = join(folder, distribution.folder, 'RECORD');
    if (!(await isFile(record)))
      throw new UserError(`${folder} has no ${distribution.folder}/RECORD to check with`);
    return { ...(await collect(package_, folder)), wheel: { variant, record, root: folder } };
  }
  for (const lib of [package_, folder, join(folder, 'lib')]) {
    for (const name of MAIN_LIBRARIES) if (await isFile(join(lib, name))) return collect(lib, folder);
  }
  throw new UserError(
    `${folder} holds no ${MAIN_LIBRARIES.join(' or ')}; give a wheel of tensorflow ${TENSORFLOW_VERSION}, ` +
      'the folder of an unpacked one, or a libtensorflow with lib/ and include/',
  );
}

/**
 * Copies a folder's libraries and headers, and compares those of a wheel with its RECORD.
 * @returns the libraries' names and SHA-256
 * @throws UserError if one is damaged or changed
 */
export async function copyFromFolder(source: FolderSource, target: string): Promise<Map<string, string>> {
  const record = source.wheel && parseRecord(await readFile(source.wheel.record, 'utf8'));
  const copy = async (from: string, to: string): Promise<string> => {
    const path = join(target, to);
    await mkdir(dirname(path), { recursive: true });
    // Shares the blocks where the file system can, so that it costs neither time nor space.
    await copyFile(from, path, constants.COPYFILE_FICLONE);
    const sha256 = await fileDigest(path, 'sha256');
    if (record && source.wheel) {
      checkRecorded(record, relative(source.wheel.root, from), sha256, source.wheel.root);
    }
    return sha256;
  };
  const digests = new Map<string, string>();
  for (const [name, from] of source.libraries) digests.set(`lib/${name}`, await copy(from, `lib/${name}`));
  for (const entry of await readdir(source.include, { recursive: true, withFileTypes: true })) {
    const path = relative(source.include, join(entry.parentPath, entry.name));
    if (isFileOrLink(entry) && isNeededHeader(path)) {
      await copy(join(source.include, path), join('include', path));
    }
  }
  return digests;
}

/** The headers are in `include/` in the libraries' folder, as in a wheel, or beside it. */
async function collect(lib: string, folder: string): Promise<FolderSource> {
  let include: string | undefined;
  for (const root of [lib, dirname(resolve(lib))]) {
    if (await isFile(join(root, 'include', C_API))) include ??= join(root, 'include');
  }
  if (include === undefined) {
    throw new UserError(`${folder} has TensorFlow's libraries but not its headers (include/${C_API})`);
  }
  const libraries = new Map<string, string>();
  for (const name of [...MAIN_LIBRARIES, FRAMEWORK]) {
    const path = join(lib, name);
    if (await isFile(path)) libraries.set(name, path);
  }
  if (!libraries.has(FRAMEWORK))
    throw new UserError(`${folder} has no ${FRAMEWORK} beside the other library`);
  return { libraries, include };
}

/** A site-packages folder has many; the one wanted is TensorFlow's, of whatever version. */
async function findDistribution(folder: string): Promise<Distribution | undefined> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`${folder} cannot be read: ${error.message}`);
  });
  const found = names.flatMap((name) => parseDistInfo([name]) ?? []);
  return found.find(({ name }) => variantOf(name) !== undefined);
}

function isFileOrLink(entry: Dirent): boolean {
  return entry.isFile() || entry.isSymbolicLink();
}
