import { realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { errorMessage } from '../errors.ts';

/**
 * The file that a path inside another file (a model's external data, a JSON's labels) stands for. Whoever made
 * that file may be a stranger, and such a path could name any file of the machine: only what lies in the file's
 * folder or below is taken, wherever links lead. Where the file is a link itself, the folder that it leads to
 * counts too, as for onnxruntime: Hugging Face's cache links a model and its data into one folder `blobs/`.
 * @param file the file that holds the path
 * @returns the real path, of a regular file
 * @throws Error with the reason, as what follows the path's name in a sentence
 */
export async function fileBeside(file: string, location: string): Promise<string> {
  // Backslashes separate folders on Windows only, where the writer may have run.
  const parts = location.split(/[\\/]/);
  if (location === '' || location.includes('\0') || isAbsolute(location) || parts.includes('..')) {
    throw new Error("is not in the model's folder");
  }
  const folders = [...new Set([dirname(file), dirname(await realpath(file).catch(() => file))])];
  let path: string | undefined;
  for (const folder of folders) {
    try {
      path ??= await realpath(join(folder, ...parts));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ENOTDIR') throw new Error(`cannot be read: ${errorMessage(error)}`);
    }
  }
  if (path === undefined) throw new Error('is missing; it must lie beside the model');
  const inside = await Promise.all(folders.map(async (folder) => isInside(await realpath(folder), path)));
  if (!inside.includes(true)) throw new Error("is a link out of the model's folder");
  if (!(await stat(path)).isFile()) throw new Error('is no file');
  return path;
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
