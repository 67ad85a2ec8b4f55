import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import { isFile, openRegularFile } from '../fs/regular-file.ts';
import { readArchive } from './archive/read-archive.ts';
import { type CifarVariant, imageFiles } from './cifar/variant.ts';
import { CIFAR10_BINARY, CIFAR10_PYTHON } from './cifar10.ts';
import { CIFAR100_BINARY, CIFAR100_PYTHON } from './cifar100.ts';
import { nameIn } from './data-files.ts';
import { FOLDER_LAYOUT, type FolderLayout, findLayout, foldersIn } from './folder/layout.ts';

/** The datasets that are read from files. */
export const FILE_DATASETS = ['cifar100', 'cifar10', 'folder'] as const;
export type FileDataset = (typeof FILE_DATASETS)[number];

/** A dataset in files, and how they are laid out. */
export type FoundData =
  | {
      dataset: 'cifar100' | 'cifar10';
      variant: CifarVariant;
      /** The folder of the files, or the archive. */
      path: string;
      archive: boolean;
    }
  | { dataset: 'folder'; path: string; layout: FolderLayout };

export interface FindOptions {
  /** Look for this dataset only. */
  wanted?: FileDataset | undefined;
  /** Also an image folder without test images, which will be held out of the training images. */
  holdsOut?: boolean | undefined;
}

/** In the order of preference, for a folder that has several. */
const VARIANTS: readonly CifarVariant[] = [CIFAR100_BINARY, CIFAR100_PYTHON, CIFAR10_BINARY, CIFAR10_PYTHON];

/**
 * Looks at what a folder or a .tar.gz archive holds, by the names of its files. A CIFAR dataset may lie in
 * the folder itself or in one of the name that its archive unpacks to.
 * @returns undefined if there is none
 * @throws UserError if `path` is a file that is no archive
 */
export async function findData(path: string, options: FindOptions = {}): Promise<FoundData | undefined> {
  const { wanted, holdsOut = false } = options;
  const info = await stat(path).catch(() => undefined);
  const variants = VARIANTS.filter(({ dataset }) => wanted === undefined || dataset === wanted);
  if (info?.isFile()) {
    if (await isZip(path)) throw new UserError(zipAdvice(path));
    return findInArchive(path, variants);
  }
  if (!info?.isDirectory()) return undefined;
  for (const variant of variants) {
    for (const folder of [path, join(path, variant.folder)]) {
      for (const name of imageFiles(variant)) {
        if (await isFile(join(folder, name))) {
          return { dataset: variant.dataset, variant, path: folder, archive: false };
        }
      }
    }
  }
  if (wanted !== undefined && wanted !== 'folder') return undefined;
  const layout = await findLayout(path, holdsOut);
  return layout && { dataset: 'folder', path, layout };
}

/**
 * Why {@link findData} found nothing, and what it looked for; one line without a full stop.
 * @param options as they were given there
 */
export async function explainNothingFound(path: string, options: FindOptions = {}): Promise<string> {
  const { wanted, holdsOut = false } = options;
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) return `${path} does not exist; give the folder or the archive of a dataset`;
  const other = wanted === undefined ? undefined : await findData(path, { holdsOut });
  if (other)
    return `${path} has ${titleOf(other)}, not ${describeWanted(wanted)}; leave out --dataset or give it another folder`;
  if (wanted === 'folder' && info.isFile()) {
    return `${path} is a file, not a folder of images; unpack it and give the folder of train/<class>/ and test/<class>/`;
  }
  const near = info.isDirectory() && (wanted ?? 'folder') === 'folder' ? await explainNear(path) : undefined;
  if (near !== undefined) return near;
  const variants = VARIANTS.filter(({ dataset }) => wanted === undefined || dataset === wanted);
  const looked = variants.map((variant) => {
    const [first = '', ...rest] = imageFiles(variant);
    return `${variant.folder}/ or its files (${first}, ${rest.length > 1 ? '..., ' : ''}${rest.at(-1)})`;
  });
  if (info.isDirectory() && (wanted === undefined || wanted === 'folder')) {
    looked.push(`${FOLDER_LAYOUT} of image files`);
  }
  const hint = info.isDirectory() ? '' : '; an archive of image files must be unpacked first';
  const fetch =
    wanted === 'folder' ? '' : '; npm run data fetches CIFAR-100, with --dataset cifar10 CIFAR-10';
  return `no ${describeWanted(wanted)} in ${path}: looked for ${looked.join('; ')}${hint}${fetch}`;
}

/** What to do where a folder has nearly what was looked for; undefined if it does not. */
async function explainNear(path: string): Promise<string | undefined> {
  const names = await readdir(path).catch(() => []);
  const folders = await foldersIn(path);
  for (const folder of folders) {
    const inside = join(path, folder);
    if (await findLayout(inside, false)) return `the image folder is ${inside}; give that one`;
  }
  const alone = await findLayout(path, true);
  if (alone?.train !== undefined) {
    return `${path} has ${alone.train}/ and no test images (test/ or val/); hold some out with npm run train -- --val-share 0.1`;
  }
  const zip = names.find((name) => /\.zip$/i.test(name));
  if (zip !== undefined) return zipAdvice(join(path, zip));
  for (const folder of folders) {
    const files = await readdir(join(path, folder)).catch(() => []);
    if (files.some((name) => /\.(png|jpe?g|jfif|webp|bmp|tiff?|gif|avif)$/i.test(name))) {
      return `${path} has class folders (${folder}/, ...) but no train/ and test/ around them; hold test images out with npm run train -- --val-share 0.1, or make the two folders`;
    }
  }
  return undefined;
}

function zipAdvice(path: string): string {
  return `${path} is a zip archive, which is not read as it is; unzip it and give the folder`;
}

async function isZip(path: string): Promise<boolean> {
  const file = await openRegularFile(path).catch(() => undefined);
  try {
    const { buffer, bytesRead } = (await file?.read(Buffer.alloc(4), 0, 4, 0)) ?? { bytesRead: 0 };
    return bytesRead === 4 && ['PK\x03\x04', 'PK\x05\x06'].includes(buffer!.toString('latin1'));
  } finally {
    await file?.close();
  }
}

/** What was found, for a person. */
export function titleOf(found: FoundData): string {
  if (found.dataset === 'folder') return 'an image folder';
  return `the ${found.variant.layout === 'python' ? 'Python' : 'binary'} version of ${found.variant.title}`;
}

function describeWanted(wanted: FileDataset | undefined): string {
  if (wanted === undefined) return 'dataset';
  if (wanted === 'folder') return 'image folder';
  return wanted === 'cifar10' ? 'CIFAR-10' : 'CIFAR-100';
}

async function findInArchive(
  path: string,
  variants: readonly CifarVariant[],
): Promise<FoundData | undefined> {
  for await (const entry of readArchive(path)) {
    for (const variant of variants) {
      const name = nameIn(variant.folder, entry.path);
      if (name !== undefined && imageFiles(variant).includes(name)) {
        return { dataset: variant.dataset, variant, path, archive: true };
      }
    }
  }
  return undefined;
}
