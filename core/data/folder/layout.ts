import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isFolder } from '../../fs/regular-file.ts';

/** The names that the folders of a split may have, the preferred one first; upper case is no difference. */
const NAMES = {
  train: ['train', 'training'],
  validation: ['val', 'valid', 'validation'],
  test: ['test', 'testing'],
} as const;

/** For messages. */
export const FOLDER_LAYOUT = 'train/<class>/ with test/<class>/ or val/<class>/ (valid/, validation/)';

/** Where the images of an image folder are, as names of folders in it. */
export interface FolderLayout {
  /** Undefined: the class folders lie in the folder itself. */
  train?: string;
  /** Images that choose the best epoch; only beside `test`. */
  validation?: string;
  /** Undefined: test images must be held out of the training images. */
  test?: string;
}

/**
 * How a folder is laid out as an image dataset: `train/` and `test/` side by side, and perhaps `val/`; without
 * `test/`, `val/` has the test images.
 * @param holdsOut also `train/` alone, or class folders of images alone, of which test images are held out
 * @returns undefined if it is none
 */
export async function findLayout(root: string, holdsOut: boolean): Promise<FolderLayout | undefined> {
  const folders = await foldersIn(root);
  const find = (split: keyof typeof NAMES): string | undefined => {
    for (const wanted of NAMES[split]) {
      const found = folders.includes(wanted) ? wanted : folders.find((name) => name.toLowerCase() === wanted);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const [train, validation, test] = [find('train'), find('validation'), find('test')];
  if (train !== undefined) {
    if (test !== undefined) return { train, ...(validation === undefined ? {} : { validation }), test };
    if (validation !== undefined) return { train, test: validation };
    return holdsOut ? { train } : undefined;
  }
  return holdsOut && test === undefined && validation === undefined && folders.length > 0 ? {} : undefined;
}

/** Names of the folders in a folder that are not hidden, in order; links are followed. */
export async function foldersIn(root: string): Promise<string[]> {
  const names = (await readdir(root).catch(() => [])).filter((name) => !name.startsWith('.')).sort();
  const folders: string[] = [];
  for (const name of names) if (await isFolder(join(root, name))) folders.push(name);
  return folders;
}
