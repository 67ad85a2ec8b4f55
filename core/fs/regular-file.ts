import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';

/**
 * Opens a file for reading. Pipes, devices and sockets are refused: they may never end, or hold up whoever
 * opens them.
 * @throws the file system's error, or an Error that says that it is not a file
 */
export async function openRegularFile(path: string): Promise<FileHandle> {
  // Asked before too: opening a device can already do something.
  const found = await stat(path);
  if (!found.isFile()) throw notRegular(found);
  // It may have been replaced since, by a pipe that a plain `open` would wait at.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  const opened = await file.stat();
  if (opened.isFile()) return file;
  await file.close();
  throw notRegular(opened);
}

/**
 * Reads a whole file, as {@link openRegularFile} opens it.
 * @param maxBytes a larger file is refused
 */
export async function readRegularFile(path: string, maxBytes = Number.POSITIVE_INFINITY): Promise<Buffer> {
  const file = await openRegularFile(path);
  try {
    const { size } = await file.stat();
    if (size > maxBytes) throw new Error(`it has ${size} bytes, more than the ${maxBytes} it may have`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** Whether something other than a file is at a path that is about to be written to. */
export async function isOtherThanFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && !found.isFile();
}

/** Whether a file is there, or a link to one. */
export async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

/** Whether a folder is there, or a link to one. */
export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

function notRegular(found: Stats): Error {
  const what = found.isDirectory() ? 'a folder (EISDIR)' : 'a pipe or a device';
  return new Error(`it is not a file but ${what}`);
}
