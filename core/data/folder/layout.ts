import { stat } from 'node:fs/promises';
import { join } from 'node:path';

/** The names that the folder of test images may have, the preferred one first. */
export const TEST_FOLDERS = ['test', 'val'] as const;
export type TestFolder = (typeof TEST_FOLDERS)[number];

/**
 * Whether a folder is laid out as an image dataset, `train/` and `test/` (or `val/`) side by side.
 * @returns the name of the folder of test images; undefined if it is not
 */
export async function findTestFolder(root: string): Promise<TestFolder | undefined> {
  if (!(await isFolder(join(root, 'train')))) return undefined;
  for (const name of TEST_FOLDERS) if (await isFolder(join(root, name))) return name;
  return undefined;
}

export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );
}
