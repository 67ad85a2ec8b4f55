import { join } from 'node:path';
import { type ImageTree, PICTURE_NAME } from './image-tree.ts';

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
export async function findLayout(
  tree: ImageTree,
  root: string,
  holdsOut: boolean,
): Promise<FolderLayout | undefined> {
  const folders = await foldersIn(tree, root);
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
  if (!holdsOut || test !== undefined || validation !== undefined) return undefined;
  return (await folderOfPictures(tree, root)) === undefined ? undefined : {};
}

/** The first folder in a folder that has pictures in it, by their names; undefined if none has. */
export async function folderOfPictures(tree: ImageTree, root: string): Promise<string | undefined> {
  for (const folder of await foldersIn(tree, root)) {
    const entries = await tree.list(join(root, folder)).catch(() => []);
    if (entries.some((entry) => !entry.folder && PICTURE_NAME.test(entry.name))) return folder;
  }
  return undefined;
}

/** Names of the folders in a folder, in order; none where it cannot be read. */
export async function foldersIn(tree: ImageTree, root: string): Promise<string[]> {
  const entries = await tree.list(root).catch(() => []);
  return entries.filter(({ folder }) => folder).map(({ name }) => name);
}
