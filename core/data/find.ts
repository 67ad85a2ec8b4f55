import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isFile } from '../fs/regular-file.ts';
import { readArchive } from './archive/read-archive.ts';
import { type CifarVariant, imageFiles } from './cifar/variant.ts';
import { CIFAR10_BINARY, CIFAR10_PYTHON } from './cifar10.ts';
import { CIFAR100_BINARY, CIFAR100_PYTHON } from './cifar100.ts';
import { nameIn } from './data-files.ts';
import { type ImageTree, isZip, openTree } from './folder/image-tree.ts';
import {
  FOLDER_LAYOUT,
  type FolderLayout,
  findLayout,
  folderOfPictures,
  foldersIn,
} from './folder/layout.ts';

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
  | {
      dataset: 'folder';
      /** The folder, or the zip archive. */
      path: string;
      /** Where the layout's folders are: `path`, or in an archive the one folder that it has. */
      root: string;
      layout: FolderLayout;
    };

export interface FindOptions {
  /** Look for this dataset only. */
  wanted?: FileDataset | undefined;
  /** Also an image folder without test images, which will be held out of the training images. */
  holdsOut?: boolean | undefined;
}

/** In the order of preference, for a folder that has several. */
const VARIANTS: readonly CifarVariant[] = [CIFAR100_BINARY, CIFAR100_PYTHON, CIFAR10_BINARY, CIFAR10_PYTHON];

/**
 * Looks at what a folder or an archive holds, by the names of its files. A CIFAR dataset may lie in the folder
 * itself or in one of the name that its archive unpacks to; its archive is a .tar.gz, that of image files a .zip.
 * @returns undefined if there is none
 * @throws UserError if `path` is a file that is no archive
 */
export async function findData(path: string, options: FindOptions = {}): Promise<FoundData | undefined> {
  const { wanted, holdsOut = false } = options;
  const info = await stat(path).catch(() => undefined);
  const variants = VARIANTS.filter(({ dataset }) => wanted === undefined || dataset === wanted);
  if (info?.isFile()) {
    if (await isZip(path)) {
      return wanted === undefined || wanted === 'folder' ? findImages(path, holdsOut) : undefined;
    }
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
  return findImages(path, holdsOut);
}

async function findImages(path: string, holdsOut: boolean): Promise<FoundData | undefined> {
  const tree = await openTree(path);
  try {
    const layout = await findLayout(tree, path, holdsOut);
    if (layout) return { dataset: 'folder', path, root: path, layout };
    const [folder, ...others] = (await isFile(path)) ? await foldersIn(tree, path) : [];
    if (folder === undefined || others.length > 0) return undefined;
    // Who packs a folder has it in the archive.
    const root = join(path, folder);
    const inside = await findLayout(tree, root, holdsOut);
    return inside && { dataset: 'folder', path, root, layout: inside };
  } finally {
    tree.close();
  }
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
  const zip = await isZip(path);
  if (wanted === 'folder' && info.isFile() && !zip) {
    return `${path} is a file, not a folder of images; give a folder, or a .zip, of train/<class>/ and test/<class>/`;
  }
  if ((info.isDirectory() || zip) && (wanted ?? 'folder') === 'folder') {
    const tree = await openTree(path);
    const near = await explainNear(tree, path).finally(() => tree.close());
    if (near !== undefined) return near;
    if (zip) return `no image folder in ${path}: looked for ${FOLDER_LAYOUT}, or <class>/, of image files`;
  }
  const variants = VARIANTS.filter(({ dataset }) => wanted === undefined || dataset === wanted);
  const looked = variants.map((variant) => {
    const [first = '', ...rest] = imageFiles(variant);
    return `${variant.folder}/ or its files (${first}, ${rest.length > 1 ? '..., ' : ''}${rest.at(-1)})`;
  });
  if (info.isDirectory() && (wanted === undefined || wanted === 'folder')) {
    looked.push(`${FOLDER_LAYOUT} of image files`);
  }
  const hint = info.isDirectory()
    ? ''
    : zip
      ? '; those are read from .tar.gz'
      : '; an archive of image files must be a .zip';
  const fetch =
    wanted === 'folder' ? '' : '; npm run data fetches CIFAR-100, with --dataset cifar10 CIFAR-10';
  return `no ${describeWanted(wanted)} in ${path}: looked for ${looked.join('; ')}${hint}${fetch}`;
}

/** What to do where a folder has nearly what was looked for; undefined if it does not. */
async function explainNear(tree: ImageTree, path: string): Promise<string | undefined> {
  for (const folder of await foldersIn(tree, path)) {
    const inside = join(path, folder);
    if (await findLayout(tree, inside, false)) return `the image folder is ${inside}; give that one`;
  }
  const alone = await findLayout(tree, path, true);
  if (alone?.train !== undefined) {
    return `${path} has ${alone.train}/ and no test images (test/ or val/); hold some out with npm run train -- --val-share 0.2`;
  }
  const folder = await folderOfPictures(tree, path);
  if (folder !== undefined) {
    return `${path} has class folders (${folder}/, ...) but no train/ and test/ around them; hold test images out with npm run train -- --val-share 0.2, or make the two folders`;
  }
  const zip = (await tree.list(path)).find(({ name }) => /\.zip$/i.test(name));
  return zip && `${path} has no class folders but ${zip.name}; give ${join(path, zip.name)}`;
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
