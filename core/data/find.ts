import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readArchive } from './archive/read-archive.ts';
import { type CifarVariant, imageFiles } from './cifar/variant.ts';
import { CIFAR10_BINARY, CIFAR10_PYTHON } from './cifar10.ts';
import { CIFAR100_BINARY, CIFAR100_PYTHON } from './cifar100.ts';
import { nameIn } from './files/archive-files.ts';
import { findTestFolder, type TestFolder } from './folder/layout.ts';

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
  | { dataset: 'folder'; path: string; testFolder: TestFolder };

/** In the order of preference, for a folder that has several. */
const VARIANTS: readonly CifarVariant[] = [CIFAR100_BINARY, CIFAR100_PYTHON, CIFAR10_BINARY, CIFAR10_PYTHON];

/**
 * Looks at what a folder or a .tar.gz archive holds, by the names of its files. A CIFAR dataset may lie in
 * the folder itself or in one of the name that its archive unpacks to.
 * @param wanted look for this dataset only
 * @returns undefined if there is none
 * @throws UserError if `path` is a file that is no archive
 */
export async function findData(path: string, wanted?: FileDataset): Promise<FoundData | undefined> {
  const info = await stat(path).catch(() => undefined);
  const variants = VARIANTS.filter(({ dataset }) => wanted === undefined || dataset === wanted);
  if (info?.isFile()) return findInArchive(path, variants);
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
  const testFolder = await findTestFolder(path);
  return testFolder && { dataset: 'folder', path, testFolder };
}

/**
 * Why {@link findData} found nothing, and what it looked for; one line without a full stop.
 * @param wanted as it was given there
 */
export async function explainNothingFound(path: string, wanted?: FileDataset): Promise<string> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) return `${path} does not exist; give the folder or the archive of a dataset`;
  const other = wanted === undefined ? undefined : await findData(path);
  if (other)
    return `${path} has ${titleOf(other)}, not ${describeWanted(wanted)}; leave out --dataset or give it another folder`;
  if (wanted === 'folder' && info.isFile()) {
    return `${path} is a file, not a folder of images; unpack it and give the folder of train/<class>/ and test/<class>/`;
  }
  const variants = VARIANTS.filter(({ dataset }) => wanted === undefined || dataset === wanted);
  const looked = variants.map((variant) => {
    const [first = '', ...rest] = imageFiles(variant);
    return `${variant.folder}/ or its files (${first}, ${rest.length > 1 ? '..., ' : ''}${rest.at(-1)})`;
  });
  if (info.isDirectory() && (wanted === undefined || wanted === 'folder')) {
    looked.push('train/<class>/ with test/<class>/ or val/<class>/ of png, jpg, jpeg or webp images');
  }
  const hint = info.isDirectory() ? '' : '; an archive of image files must be unpacked first';
  const fetch =
    wanted === 'folder' ? '' : '; npm run data fetches CIFAR-100, with --dataset cifar10 CIFAR-10';
  return `no ${describeWanted(wanted)} in ${path}: looked for ${looked.join('; ')}${hint}${fetch}`;
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

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isFile(),
    () => false,
  );
}
