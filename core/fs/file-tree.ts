import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileBeside } from './beside.ts';
import type { FileStamps } from './file-stamps.ts';
import { isFile, isFolder, openRegularFile, readRegularFile } from './regular-file.ts';

/**
 * Files in folders, as who reads a model and what lies beside it needs them: of this machine ({@link diskFiles}), or
 * those that a page was given (`given-tree.ts` there). Nothing else in this interface's users knows where files are.
 */
export interface FileTree {
  readonly path: {
    join(...parts: string[]): string;
    dirname(path: string): string;
    basename(path: string): string;
  };
  isFile(path: string): Promise<boolean>;
  isFolder(path: string): Promise<boolean>;
  /** Whether anything is there. */
  has(path: string): Promise<boolean>;
  /**
   * What is in a folder, sorted, but for what begins with a dot.
   * @throws Error if it is no folder
   */
  list(folder: string): Promise<string[]>;
  /** @throws Error if it is no file, or has more than `maxBytes` */
  read(path: string, maxBytes?: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Opens a file to read parts of it. */
  open(path: string): Promise<OpenFile>;
  /** Where a link leads; the path itself if it is none, or leads nowhere. */
  real(path: string): Promise<string>;
  /** The file that a path inside another file stands for, with the limits of {@link fileBeside}. */
  beside(file: string, location: string): Promise<string>;
}

export interface OpenFile {
  /** Bytes. */
  readonly size: number;
  /** @throws Error if it ends before that */
  part(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

/**
 * The files of this machine.
 * @param stamps gets the files that are read or looked for
 */
export function diskFiles(stamps?: FileStamps): FileTree {
  return {
    path: { join, dirname, basename },
    isFile,
    isFolder,
    list: visibleIn,
    has: async (path) => {
      await stamps?.add(path);
      return (await stat(path).catch(() => undefined)) !== undefined;
    },
    read: async (path, maxBytes) => {
      await stamps?.add(path);
      const buffer = await readRegularFile(path, maxBytes);
      // A plain array instead of a Buffer, whose `slice` shares memory where that of an array copies.
      return new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.length);
    },
    open: async (path) => {
      await stamps?.add(path);
      const file = await openRegularFile(path);
      const { size } = await file.stat();
      return {
        size,
        part: async (offset, length) => {
          const data = new Uint8Array(length);
          for (let done = 0; done < length; ) {
            const { bytesRead } = await file.read(data, done, length - done, offset + done);
            if (bytesRead === 0) throw new Error('was cut short while it was read');
            done += bytesRead;
          }
          return data;
        },
        close: () => file.close(),
      };
    },
    real: (path) => realpath(path).catch(() => path),
    beside: async (file, location) => {
      // By its name, not where a link leads now: to replace the link replaces what it leads to.
      await stamps?.add(join(dirname(file), location));
      return fileBeside(file, location);
    },
  };
}

/** The files of this machine, of which nobody keeps book. */
export const DISK: FileTree = diskFiles();

/** What is in a folder, sorted, but for what begins with a dot. */
export async function visibleIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => !name.startsWith('.')).sort();
}
