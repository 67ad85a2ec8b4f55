import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorMessage, UserError } from '../errors.ts';
import { isFolder } from './regular-file.ts';

/**
 * Makes a folder and those above it, for a folder the user named.
 * @param mend how the user can choose another folder, to end a message with
 * @throws UserError if it cannot be made
 */
export async function makeFolder(path: string, mend: string): Promise<void> {
  try {
    await makeFolders(path);
  } catch (error) {
    throw new UserError(`cannot make the folder ${path}: ${errorMessage(error)}; ${mend}`);
  }
}

/**
 * Makes a folder and those above it. Node's own recursive `mkdir` never returns where a file system takes a
 * missing parent for missing for ever, as /proc does.
 */
export async function makeFolders(path: string): Promise<void> {
  if (await isFolder(path)) return;
  const parent = dirname(path);
  if (parent !== path) await makeFolders(parent);
  await mkdir(path).catch((error: NodeJS.ErrnoException) => {
    // Somebody else may have made it meanwhile; a file of the name is in the way.
    if (error.code !== 'EEXIST') throw error;
  });
  if ((await stat(path)).isDirectory()) return;
  throw Object.assign(new Error(`${path} is not a folder`), { code: 'ENOTDIR', syscall: 'mkdir', path });
}
